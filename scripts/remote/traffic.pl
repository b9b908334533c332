# Reads nginx's log.
#
#   traffic.pl sum LINES SINCE    prints, with tabs between: the number of requests, of failed ones, the median and the 99th
#                                 percentile of their seconds, the seconds that the log covers, and whether requests still
#                                 fail: the last one did, or one in the last seconds. The log has LINES lines at most, and
#                                 none from before SINCE, seconds since 1970
#   traffic.pl columns SINCE BIN  prints the second at which the log begins and its number of lines. Then, for each column of
#                                 BIN milliseconds and each release, since SINCE (milliseconds): number, column and, between
#                                 tabs, the release and whether no replica answered although one should have
#   traffic.pl seconds            reads the log as it comes. Prints, when a second is over, what was asked in it, a line for
#                                 each replica and with tabs between: the second since 1970, the replica, requests, failed
#                                 ones, the median and the 99th percentile of their milliseconds. The replica is empty where
#                                 none answered, and `all` for everybody's
use strict;

my ($what, @words) = @ARGV;

# The fields of a line, and whether the request failed; nothing if the line is no request.
sub request {
  my %of = $_[0] =~ /"(msec|status|seconds|upstream_status|replica|release)":"?([^",}]*)/g;
  return unless length $of{msec} && length $of{status} && length $of{seconds};
  # The maintenance page is a 503 without an upstream.
  $of{failed} = $of{status} >= 500 && !($of{status} == 503 && $of{upstream_status} eq '');
  return \%of;
}

# SHARE, SORTED VALUES: a percentile, as the probe counts it
sub at { my ($share, @values) = @_; return @values ? $values[int(@values * $share)] : 0 }

sub sum {
  my ($lines, $since) = @_;
  my $JUST = 15; # seconds
  my ($failed, $latest, $last, $read, $first, @took) = (0, 0, 0, 0);
  while (<STDIN>) {
    $read++;
    my $of = request($_) or next;
    $first //= $of->{msec};
    push @took, $of->{seconds};
    $last = $of->{failed};
    ($failed, $latest) = ($failed + 1, $of->{msec}) if $last;
  }
  @took = sort { $a <=> $b } @took;
  # If the log is longer than LINES, the read part begins later than SINCE.
  my $from = $read < $lines ? $since : $first // $since;
  my $still = $last || $latest > time - $JUST ? 1 : 0;
  print join("\t", scalar @took, $failed, at(0.5, @took), at(0.99, @took), time - int $from, $still), "\n";
}

sub columns {
  my ($since, $bin) = @_;
  my ($lines, $first, %number) = (0, 0);
  while (<STDIN>) {
    $lines++;
    my $of = request($_) or next;
    $first ||= $of->{msec};
    next if $of->{msec} * 1000 < $since;
    my $unanswered = $of->{failed} && $of->{release} eq '' ? 'true' : 'false';
    $number{ join "\t", int($of->{msec} * 1000 / $bin), $of->{release}, $unanswered }++;
  }
  print int $first, " $lines\n", map { "$number{$_} $_\n" } sort keys %number;
}

my ($newest, %asked) = (0);

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
  my $request = request($_[0]) or return;
  return if $request->{status} == 101; # a WebSocket takes as long as its users like
  my $second = int $request->{msec};
  for my $of (map { $asked{$second}{$_} ||= {} } $request->{replica}, 'all') {
    push @{ $of->{took} }, $request->{seconds};
    $of->{failed}++ if $request->{failed};
  }
  $newest = $second if $second > $newest;
}

sub seconds {
  my $text = '';
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
}

{ sum => \&sum, columns => \&columns, seconds => \&seconds }->{$what}->(@words);
