# Talks to HAProxy through its admin socket. In Perl: every Debian and Ubuntu has it, and it needs one process.
#
#   balancer.pl FOLDER look         prints a line for each slot that has a replica: slot, address, operational state, weight,
#                                   requests under way, answered, failed, and the result of the last check; tabs between
#   balancer.pl FOLDER watch        prints the same at each change, followed by an empty line, until the standard input ends;
#                                   only the empty line while HAProxy does not answer. Meanwhile, free slots have weight 0,
#                                   so that a new replica gets no requests before an order says so
#   balancer.pl FOLDER tell ADDRESSES COMMAND...
#                                   runs commands for the slots with these addresses; %s in a command is the slot
#   balancer.pl FOLDER ask COMMAND  prints HAProxy's answer to a command
use strict;
use Socket;

my ($folder, $what, @rest) = @ARGV;
unless (chdir $folder) { # the path of a socket may have 107 characters at most
  exit if $what eq 'look'; # this deployment has no balancer yet
  die "There is no balancer: $folder: $!\n";
}

# COMMAND [SOCKET]: HAProxy's answer. The worker has admin.sock. The master has master.sock, and reaches old workers, too.
sub ask {
  my ($command, $socket) = (@_, 'admin.sock');
  socket my $asked, PF_UNIX, SOCK_STREAM, 0;
  connect $asked, sockaddr_un($socket) or die "The balancer does not answer: $!\n";
  syswrite $asked, "$command\n";
  shutdown $asked, 1; # else the master waits for more commands
  local $/;
  return readline $asked;
}

# A line of `show stat`: comma-separated, in quotes where a value holds a comma (RFC 4180).
sub fields { my @found; push @found, defined $1 ? $1 =~ s/""/"/gr : $2 while $_[0] =~ /\G(?:"((?:[^"]|"")*)"|([^,]*))(?:,|$)/g; return @found }

# Name, address, operational state and weight of each slot, from HAProxy's answer if that is given. A replica that has said
# `drain` (flags 8 and 16) has no weight; the fifth is the weight without that.
sub states {
  my @slots = map { [(split)[3 .. 7]] } grep { /^\d+ app / } split /\n/, $_[0] // ask('show servers state app');
  return map { my ($name, $address, $state, $flags, $weight) = @$_; [$name, $address, $state, $flags & 24 ? 0 : $weight, $weight] } @slots;
}

# The states of the slots that have a replica.
sub used { return grep { $_->[1] ne '-' } states(@_) }

# Runs commands for these slots.
sub order {
  my ($slots, @orders) = @_;
  my @given = map { my $slot = "app/$_->[0]"; map { s/%s/$slot/r } @orders } @$slots;
  my $answer = @given ? ask(join ';', @given) : '';
  $answer =~ s/\s+/ /g;
  die "The balancer refuses:$answer\n" if $answer =~ /\w/;
}

# Runs commands for the free ones of these slots whose weight is another one, or that have kept the `drain` of a replica
# that is gone: it would hide the weight until the next replica says `ready`, and keep one that says nothing from all requests.
sub order_free {
  my ($slots, $weight, @orders) = @_;
  order([grep { $_->[1] eq '-' && ($_->[4] != $weight || $_->[3] != $_->[4]) } @$slots], 'set server %s state ready', @orders);
}

# The fields of `show stat` by slot, then by HAProxy's names, for the slots that have a replica.
sub counts {
  my ($told, $head, %of) = ($_[0], '');
  my %used = map { $_->[0] => 1 } used($told);
  for (split /\n/, $told) {
    if (s/^# (?=pxname)//) { $head = [fields($_)] }
    elsif (/^app,(\w+),/ && $used{$1}) { @{ $of{$1} }{@$head} = fields($_) }
  }
  return \%of;
}

my $SHOW = 'show servers state app;show stat app 4 -1';
sub under_way { return ($_[0]{scur} || 0) + ($_[0]{qcur} || 0) }

# Requests that old workers still hold after a reload, by the replica's address.
sub left {
  return unless -S 'master.sock'; # without a master there are no old workers
  my ($workers) = ask('show proc', 'master.sock') =~ /^# old workers\n(.*?)^(?:#|$)/ms;
  my %busy;
  for my $worker (($workers // '') =~ /^(\d+)/mg) {
    my $told = ask(join(';', map { "\@!$worker $_" } split /;/, $SHOW), 'master.sock');
    my $of = counts($told);
    $busy{ $_->[1] } += under_way($of->{ $_->[0] }) for states($told);
  }
  return %busy;
}

# The lines for HAProxy's answer to $SHOW.
sub look {
  my ($told) = @_;
  my ($counts, %left) = (counts($told), left());
  my $lines = '';
  for my $slot (sort { substr($a->[0], 3) <=> substr($b->[0], 3) } used($told)) {
    my $of = $counts->{ $slot->[0] };
    my ($answered, $failed) = map { my $sum = 0; $sum += $of->{$_} || 0 for @$_; $sum }
      [(map { "hrsp_$_" } qw(1xx 2xx 3xx 4xx 5xx other)), 'eresp'], ['hrsp_5xx', 'eresp'];
    my ($found) = grep { length } $of->{last_chk}, $of->{check_desc}, '';
    $lines .= join("\t", @$slot[0 .. 3], under_way($of) + ($left{ $slot->[1] } || 0), $answered, $failed, $found) . "\n";
  }
  return $lines;
}

if ($what eq 'ask') {
  print ask($rest[0]);
} elsif ($what eq 'look') {
  print look(ask($SHOW));
} elsif ($what eq 'watch') {
  $| = 1;
  $SIG{PIPE} = 'IGNORE'; # the reader may be gone before the input ends
  my ($seen, $ended) = ('none', '');
  vec(my $input = '', 0, 1) = 1;
  do {
    # A HAProxy that restarts does not answer. Then its weights are the default ones, and at first it knows no replica: the
    # replicas that it finds first have served before, so free slots get weight 0 only once it has found some.
    my $told = eval { ask($SHOW) } // '';
    eval { order_free([states($told)], 0, 'set server %s health down', 'set server %s weight 0%') } if used($told);
    my $now = $told eq '' ? undef : eval { look($told) };
    $now //= '' if $seen ne 'none';
    print "$now\n" if defined $now && $now ne $seen;
    $seen = $now // 'none';
    $ended = select(my $ready = $input, undef, undef, 0.1) && !sysread STDIN, my $read, 99;
  } until $ended;
  close STDOUT; # the reader need not wait for the rest
  # Weights of removed replicas must not meet new ones. The last replicas may just be going.
  for (1 .. 7) {
    order_free([states()], 100, 'set server %s weight 100%');
    last unless grep { $_->[3] == 0 } states();
    select undef, undef, undef, 0.1;
  }
} else {
  my ($addresses, @orders) = @rest;
  my %at = map { $_ => 1 } split ' ', $addresses;
  order([grep { $at{ $_->[1] } } states()], @orders);
}
