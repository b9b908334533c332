# Prints facts about containers from the control groups of their first processes (cgroups(7), version 1 or 2), with tabs
# between:
#
#   usage NAME BYTES NANOSECONDS MILLISECONDS   memory without the kernel's caches, as docker stats counts it; processor time;
#                                               the time of the measurement, by the server's uptime
#   killed NAME NUMBER                          how many processes the kernel killed for lack of memory since the container
#                                               started; only when there are any
#
#   usage.pl PID NAME ...
use strict;

sub text { open my $file, '<', $_[0] or return ''; local $/; return readline($file) // '' }
sub field { my ($file, $name) = @_; return text($file) =~ /^\Q$name\E (\d+)/m ? $1 : 0 }

while (my ($pid, $name) = splice @ARGV, 0, 2) {
  my %path;
  for (split /\n/, text("/proc/$pid/cgroup")) {
    my (undef, $kinds, $path) = split /:/, $_, 3;
    $path{$_} = $path for $kinds eq '' ? 'all' : split /,/, $kinds;
  }
  my ($bytes, $idle, $time, $killed);
  if (defined $path{memory}) {
    my $memory = "/sys/fs/cgroup/memory$path{memory}";
    ($bytes, $idle) = (text("$memory/memory.usage_in_bytes"), field("$memory/memory.stat", 'total_inactive_file'));
    $time = text('/sys/fs/cgroup/cpuacct' . ($path{cpuacct} // '') . '/cpuacct.usage');
    $killed = field("$memory/memory.oom_control", 'oom_kill');
  } else {
    my $group = '/sys/fs/cgroup' . ($path{all} // '');
    ($bytes, $idle) = (text("$group/memory.current"), field("$group/memory.stat", 'inactive_file'));
    $time = 1000 * field("$group/cpu.stat", 'usage_usec');
    $killed = field("$group/memory.events", 'oom_kill');
  }
  next if $bytes eq ''; # the container has ended meanwhile
  my ($now) = split ' ', text('/proc/uptime');
  print join("\t", 'usage', $name, $bytes - $idle, $time + 0, $now * 1000), "\n";
  print join("\t", 'killed', $name, $killed), "\n" if $killed;
}
