# Asks HAProxy by its admin socket, or tells it something. In Perl, which every Debian and Ubuntu has, and which reaches
# such a socket in one process.
#
#   balancer.pl FOLDER look            what it says of each replica that it knows, a line for each: its place there, address,
#                                      operational state, weight, requests under way, answered and failed, and what it
#                                      was found like; with tabs between
#   balancer.pl FOLDER watch           the same again and again, when something has changed, each time with an empty line
#                                      behind it, until the standard input ends; nothing but that line when it is not
#                                      there. Meanwhile a replica that comes gets no request before an order gives it some
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

# @param socket  HAProxy's worker has one, and its master, which knows the workers that a reload has left with requests
sub ask {
  my ($command, $socket) = (@_, 'admin.sock');
  socket my $asked, PF_UNIX, SOCK_STREAM, 0;
  connect $asked, sockaddr_un($socket) or die "The balancer does not answer: $!\n";
  syswrite $asked, "$command\n";
  shutdown $asked, 1; # the master waits for more otherwise
  local $/;
  return readline $asked;
}

# A line of `show stat`: comma-separated, in quotes where a value holds a comma (RFC 4180).
sub fields { my @found; push @found, defined $1 ? $1 =~ s/""/"/gr : $2 while $_[0] =~ /\G(?:"((?:[^"]|"")*)"|([^,]*))(?:,|$)/g; return @found }

# Name, address, operational state and weight of each place.
sub states { return map { [(split)[3, 4, 5, 7]] } grep { /^\d+ app / } split /\n/, $_[0] // ask('show servers state app') }

sub order {
  my ($places, @orders) = @_;
  my @given = map { my $place = "app/$_->[0]"; map { s/%s/$place/r } @orders } @$places;
  my $answer = @given ? ask(join ';', @given) : '';
  $answer =~ s/\s+/ /g;
  die "The balancer refuses:$answer\n" if $answer =~ /\w/;
}

# About places that no replica has.
sub order_free { my ($weight, @orders) = @_; order([grep { $_->[1] eq '-' && $_->[3] != $weight } states()], @orders) }

# Of each place: what `show stat` says, by its own names.
sub counts {
  my ($head, %of) = ('');
  for (split /\n/, $_[0]) {
    if (s/^# (?=pxname)//) { $head = [fields($_)] }
    elsif (/^app,(\w+),/) { @{ $of{$1} }{@$head} = fields($_) }
  }
  return \%of;
}

my $SHOW = 'show servers state app;show stat app 4 -1';
sub under_way { return ($_[0]{scur} || 0) + ($_[0]{qcur} || 0) }

# Requests that workers from before a reload still have, by the replica's address.
sub left {
  return unless -S 'master.sock'; # a HAProxy that runs alone has left nothing
  my ($workers) = ask('show proc', 'master.sock') =~ /^# old workers\n(.*?)^(?:#|$)/ms;
  my %busy;
  for my $worker (($workers // '') =~ /^(\d+)/mg) {
    my $told = ask(join(';', map { "\@!$worker $_" } split /;/, $SHOW), 'master.sock');
    my $of = counts($told);
    $busy{ $_->[1] } += under_way($of->{ $_->[0] }) for states($told);
  }
  return %busy;
}

sub look {
  my ($told, %left) = (ask($SHOW), left());
  my $counts = counts($told);
  my $lines = '';
  for my $place (sort { substr($a->[0], 3) <=> substr($b->[0], 3) } grep { $_->[1] ne '-' } states($told)) {
    my $of = $counts->{ $place->[0] };
    my ($answered, $failed) = map { my $sum = 0; $sum += $of->{$_} || 0 for @$_; $sum }
      [(map { "hrsp_$_" } qw(1xx 2xx 3xx 4xx 5xx other)), 'eresp'], ['hrsp_5xx', 'eresp'];
    my ($found) = grep { length } $of->{last_chk}, $of->{check_desc}, '';
    $lines .= join("\t", @$place, under_way($of) + ($left{ $place->[1] } || 0), $answered, $failed, $found) . "\n";
  }
  return $lines;
}

if ($what eq 'ask') {
  print ask($rest[0]);
} elsif ($what eq 'look') {
  print look();
} elsif ($what eq 'watch') {
  $| = 1;
  $SIG{PIPE} = 'IGNORE'; # who listened may be gone before the input ends
  my ($seen, $ended) = ('none', '');
  vec(my $input = '', 0, 1) = 1;
  do {
    # While it is restarted it says nothing, has forgotten its orders then, and at first knows nobody: whom it finds first
    # has served before.
    my $now = eval { look() };
    eval { order_free(0, 'set server %s health down', 'set server %s weight 0%') } if $now;
    $now //= '' if $seen ne 'none';
    print "$now\n" if defined $now && $now ne $seen;
    $seen = $now // 'none';
    $ended = select(my $ready = $input, undef, undef, 0.1) && !sysread STDIN, my $read, 99;
  } until $ended;
  close STDOUT; # nobody needs to wait for what follows
  # What was ordered about replicas that are gone shall not meet those to come. The last ones are just going.
  for (1 .. 7) {
    order_free(100, 'set server %s weight 100%');
    last unless grep { $_->[3] == 0 } states();
    select undef, undef, undef, 0.1;
  }
} else {
  my ($addresses, @orders) = @rest;
  my %at = map { $_ => 1 } split ' ', $addresses;
  order([grep { $at{ $_->[1] } } states()], @orders);
}
