# Reads the load balancer's log as it comes. Prints, when a second is over, what was asked in it, a line for each replica and
# with tabs between: the second since 1970, the replica, requests, those that failed (5xx), the median and the 99th percentile
# of their milliseconds. The replica is empty where none answered, and `all` for everybody's.
use strict;

my ($text, $newest, %asked) = ('', 0);

sub at { my ($share, @took) = @_; return $took[int(@took * $share)] }

sub row {
  my ($second, $replica, $of) = @_;
  my @took = sort { $a <=> $b } @{ $of->{took} };
  my @values = ($second, $replica, scalar @took, $of->{failed} || 0, map { int(1000 * at($_, @took) + 0.5) } 0.5, 0.99);
  print join("\t", @values), "\n";
}

sub print_before { # this second
  for my $second (sort { $a <=> $b } grep { $_ < $_[0] } keys %asked) {
    my $of = delete $asked{$second};
    row($second, $_, $of->{$_}) for sort keys %$of;
  }
}

sub take {
  my ($line) = @_;
  my ($at) = $line =~ /"msec":(\d+)/ or return;
  my ($status) = $line =~ /"status":(\d+)/ or return;
  my ($took) = $line =~ /"seconds":([\d.]+)/ or return;
  return if $status == 101; # a WebSocket takes as long as its users like
  my ($replica, $upstream) = map { $line =~ /"$_":"([^"]*)"/ ? $1 : '' } qw(replica upstream_status);
  # Maintenance answers 503 without asking anyone.
  my $failed = $status >= 500 && !($status == 503 && $upstream eq '');
  for my $of (map { $asked{$at}{$_} ||= {} } $replica, 'all') {
    push @{ $of->{took} }, $took;
    $of->{failed}++ if $failed;
  }
  $newest = $at if $at > $newest;
}

$| = 1;
vec(my $input = '', 0, 1) = 1;
while (1) {
  # Several processes write the log: what comes a little late belongs to its second, too.
  if (!select(my $ready = $input, undef, undef, 0.3)) { print_before(time - 1); next }
  sysread(STDIN, $text, 65536, length $text) or last;
  take("$1") while $text =~ s/^([^\n]*)\n//;
  print_before($newest - 1);
}
print_before($newest + 1);
