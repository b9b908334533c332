# Reads a container's log as `docker logs --timestamps` prints it. Prints the lines that are wanted, each behind the
# container, its service and a tab each. The balancer's and our own questions to a replica are never wanted.
#
#   logs.pl CONTAINER SERVICE ERRORS WORD...     ERRORS: `yes` for what went wrong alone; each WORD must be in a line
use strict;

my ($container, $service, $errors, @words) = @ARGV;
$_ = lc for @words;
my $asked = qr{\b(?:GET|POST) /(?:status|(?:prepare|ready)-for-deploy)[ ?]};
my $failed = qr{\b(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) \S+(?: HTTP/[\d.]+")? 5\d\d\b};
my %wrong = (
  lb       => qr/"status":5\d\d|\[(?:crit|alert|emerg)\]/,
  balancer => qr/"status":(?:5\d\d|-1)|\bis DOWN\b|has no server available/,
  app      => qr/$failed|\b(?:ERROR|CRITICAL|FATAL)\b/,
  db       => qr/\b(?:ERROR|FATAL|PANIC): /,
  redis    => qr/ # /,
  dbport   => qr/Error\b/,
);

# A traceback is what is indented below its head, and the line behind that: the exception.
my $traced = 0;
sub traceback {
  my ($text) = @_;
  return $traced = 1 if $text =~ /Traceback \(most recent call last\)/;
  return 0 unless $traced;
  $traced = 0 if $text =~ /^\S/;
  return 1;
}

$| = 1;
while (my $line = <STDIN>) {
  my ($text) = $line =~ /^\S+ (.*)/ or next;
  # What came by the front door has an id there.
  next if $service eq 'app' && $text =~ $asked && $text !~ / id=\w/;
  my $trace = traceback($text);
  # What happened to the container itself begins so.
  next if $errors && !$trace && $text !~ /^\x01/ && $text !~ ($wrong{$service} // qr/error/i);
  next if grep { index(lc $text, $_) < 0 } @words;
  chomp $line;
  print "$container\t$service\t$line\n";
}
