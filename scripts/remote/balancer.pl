# Asks HAProxy by its admin socket, or tells it something. In Perl, which every Debian and Ubuntu has, and which reaches
# such a socket in one process.
#
#   balancer.pl FOLDER look            what it says of each replica that it knows, a line for each: its place there, address,
#                                      operational state, weight, requests under way, answered and failed, and what it
#                                      was found like; with tabs between
#   balancer.pl FOLDER watch           the same again and again, when something has changed, each time with an empty line
#                                      behind it, until the standard input ends. Meanwhile a replica that comes gets no
#                                      request before it is given some by an order
#   balancer.pl FOLDER tell ADDRESSES ORDER...
#                                      gives orders about the replicas at these addresses; %s in an order is the replica's
#                                      place
#   balancer.pl FOLDER ask COMMAND     what it answers to a command
use strict;
use Socket;

my ($folder, $what, @rest) = @ARGV;
unless (chdir $folder) { # a path to a socket may have no more than 107 characters
  exit if $what eq 'look'; # a deployment that has no balancer yet
  die "There is no balancer: $folder: $!\n";
}

sub ask {
  socket my $socket, PF_UNIX, SOCK_STREAM, 0;
  connect $socket, sockaddr_un('admin.sock') or die "The balancer does not answer: $!\n";
  syswrite $socket, "$_[0]\n";
  local $/;
  return readline $socket;
}

# A line of `show stat`: comma-separated, in quotes where a value holds a comma (RFC 4180).
sub fields { my @found; push @found, $1 // $2 while $_[0] =~ /\G(?:"((?:[^"]|"")*)"|([^,]*))(?:,|$)/g; return @found }

# Name, address, operational state and weight of each place.
sub states { return map { [(split)[3, 4, 5, 7]] } grep { /^\d+ app / } split /\n/, ask('show servers state app') }

sub order {
  my ($places, @orders) = @_;
  my @given = map { my $place = "app/$_->[0]"; map { s/%s/$place/r } @orders } @$places;
  my $answer = @given ? ask(join ';', @given) : '';
  $answer =~ s/\s+/ /g;
  die "The balancer refuses:$answer\n" if $answer =~ /\w/;
}

# About places that no replica has.
sub order_free { my ($weight, @orders) = @_; order([grep { $_->[1] eq '-' && $_->[3] != $weight } states()], @orders) }

sub look {
  my ($head, %place) = ('');
  for (split /\n/, ask('show servers state app;show stat app 4 -1')) {
    if (/^\d+ app /) {
      my @state = (split)[3, 4, 5, 7];
      $place{$state[0]} = \@state if $state[1] ne '-';
    } elsif (s/^# (?=pxname)//) {
      $head = [fields($_)];
    } elsif (/^app,(\w+),/ && $place{$1}) {
      my %of;
      @of{@$head} = fields($_);
      my ($busy, $answered, $failed) = map { my $sum = 0; $sum += $of{$_} || 0 for @$_; $sum }
        ['scur', 'qcur'], [(map { "hrsp_$_" } qw(1xx 2xx 3xx 4xx 5xx other)), 'eresp'], ['hrsp_5xx', 'eresp'];
      my $found = join ' ', grep { length } $of{check_desc}, $of{check_code};
      push @{ $place{$1} }, $busy, $answered, $failed, $found;
    }
  }
  return join '', map { join("\t", @$_) . "\n" } sort { substr($a->[0], 3) <=> substr($b->[0], 3) } values %place;
}

if ($what eq 'ask') {
  print ask($rest[0]);
} elsif ($what eq 'look') {
  print look();
} elsif ($what eq 'watch') {
  $| = 1;
  my ($seen, $ended) = ('none', '');
  vec(my $input = '', 0, 1) = 1;
  do {
    # While it is restarted it says nothing, and has forgotten its orders then. Whose place was down is asked more often.
    my $now = eval { order_free(0, 'set server %s health down', 'set server %s weight 0%'); look() };
    print "$now\n" if defined $now && $now ne $seen;
    $seen = $now // 'none';
    $ended = select(my $ready = $input, undef, undef, 0.1) && !sysread STDIN, my $read, 99;
  } until $ended;
  close STDOUT; # nobody needs to wait for what follows
  for (1 .. 2) { # what was ordered about replicas that are gone shall not meet those to come; the last ones are just going
    order_free(100, 'set server %s weight 100%');
    sleep 2;
  }
} else {
  my ($addresses, @orders) = @rest;
  my %at = map { $_ => 1 } split ' ', $addresses;
  order([grep { $at{ $_->[1] } } states()], @orders);
}
