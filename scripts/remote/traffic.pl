# Reads nginx's log. Prints, separated by tabs: the number of requests, of failed ones (5xx, without the maintenance page),
# the median and the 99th percentile of their seconds, the seconds that the log covers, and whether requests still fail:
# the last one did, or one in the last seconds.
#
#   traffic.pl LINES SINCE     the log has at most so many lines, and none from before SINCE, seconds since 1970
use strict;

my ($lines, $since) = @ARGV;
my $JUST = 15; # seconds
my ($failed, $latest, $last, $read, $first, @took) = (0, 0, 0, 0);
while (<STDIN>) {
  $read++;
  my ($at) = /"msec":([\d.]+)/ or next;
  my ($status) = /"status":(\d+)/ or next;
  my ($took) = /"seconds":([\d.]+)/ or next;
  my ($asked) = /"upstream_status":"([^"]*)"/;
  $first //= $at;
  push @took, $took;
  # The maintenance page is a 503 without an upstream.
  $last = $status >= 500 && !($status == 503 && $asked eq '');
  ($failed, $latest) = ($failed + 1, $at) if $last;
}
@took = sort { $a <=> $b } @took;
my $at = sub { @took ? $took[int($#took * $_[0])] : 0 };
# If the log is longer than LINES, the read part begins later than SINCE.
my $from = $read < $lines ? $since : $first // $since;
print join("\t", scalar @took, $failed, $at->(0.5), $at->(0.99), time - int $from, $last || $latest > time - $JUST ? 1 : 0), "\n";
