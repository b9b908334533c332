# Asks HAProxy every second for a sign of life. When none comes in time, it kills HAProxy: then the container ends, and the
# engine starts it again. HAProxy's own watchdog sees only a thread that runs and does not come back, and the engine restarts
# only what has ended.
use strict;
use Socket;

my $patience = 3; # seconds
$SIG{PIPE} = 'IGNORE';

# Whether HAProxy is silent. One that refuses is just starting, or ends: then there is nothing to do.
sub silent {
  my $silent = 0;
  local $SIG{ALRM} = sub { die "late\n" };
  alarm $patience;
  eval {
    socket my $asked, PF_UNIX, SOCK_STREAM, 0 or die;
    connect $asked, sockaddr_un('/tmp/run/admin.sock') or die;
    syswrite $asked, "show version\n";
    sysread $asked, my $answer, 100;
  };
  $silent = $@ eq "late\n";
  alarm 0;
  return $silent;
}

sub is_haproxy {
  my ($pid) = @_;
  open my $name, '<', "/proc/$pid/comm" or return 0; # it has ended
  return readline($name) eq "haproxy\n";
}

for (;; sleep 1) {
  next unless silent();
  print STDERR "HAProxy gave no sign of life for $patience s: it is restarted.\n";
  kill 'KILL', grep { is_haproxy($_) } map { m{(\d+)$} } glob '/proc/[0-9]*';
}
