# Reads a container's log as `docker logs --timestamps` prints it. Prints the selected lines: container, service and line,
# separated by tabs. Requests to a replica by the balancer and by the scripts are never selected.
#
#   logs.pl CONTAINER SERVICE ERRORS WORD...     ERRORS: `yes` selects errors only; a line must contain each WORD
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

# A traceback is its head, the indented lines below, and the next line, which is the exception.
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
  # Requests that came through nginx have an id.
  next if $service eq 'app' && $text =~ $asked && $text !~ / id=\w/;
  # HAProxy writes each change of a replica's state twice: to its log, and to its standard error.
  next if $service eq 'balancer' && $text =~ /^\[\w+\] .*(?:: Server \S+ is |has no server available)/;
  my $trace = traceback($text);
  # An event of the container begins with the character 1.
  next if $errors && !$trace && $text !~ /^\x01/ && $text !~ ($wrong{$service} // qr/error/i);
  next if grep { index(lc $text, $_) < 0 } @words;
  chomp $line;
  print "$container\t$service\t$line\n";
}
