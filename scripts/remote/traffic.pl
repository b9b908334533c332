# Reads the load balancer's log. Prints, with tabs between, what users asked: requests, those that failed (5xx, maintenance's
# own answers not counted), the median and the 99th percentile of their seconds, and the seconds from first to last.
use strict;

my ($failed, $first, $last, @took);
while (<STDIN>) {
  my ($at) = /"msec":([\d.]+)/ or next;
  my ($status) = /"status":(\d+)/ or next;
  my ($took) = /"seconds":([\d.]+)/ or next;
  my ($asked) = /"upstream_status":"([^"]*)"/;
  $first //= $at;
  $last = $at;
  push @took, $took;
  # Maintenance answers 503 without asking anyone.
  $failed++ if $status >= 500 && !($status == 503 && $asked eq '');
}
@took = sort { $a <=> $b } @took;
my $at = sub { @took ? $took[int($#took * $_[0])] : 0 };
print join("\t", scalar @took, $failed // 0, $at->(0.5), $at->(0.99), ($last // 0) - ($first // 0)), "\n";
