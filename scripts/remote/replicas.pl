# Asks replicas for a page over HTTP, all at once. Prints a line for each: its number in the list, the status (0: no
# answer) and the body, with tabs between. A replica that says WORD with status 200 has its line at once. The others have
# theirs, with the last answer, when SECONDS are over or the standard input ends. In Perl for the same reason as
# balancer.pl: a question costs no process.
#
#   replicas.pl PATH SECONDS WORD ADDRESS:PORT...     SECONDS 0: each replica is asked once, whatever it says
use strict;
use Socket qw(:DEFAULT :crlf SOCK_NONBLOCK);
use Errno qw(EINPROGRESS EAGAIN EINTR);

# Seconds since the start, with their hundredths; Time::HiRes is not in perl-base.
sub now { open my $file, '<', '/proc/uptime' or die "/proc/uptime: $!\n"; return (split ' ', readline $file)[0] }

my ($path, $seconds, $word, @places) = @ARGV;
my ($PAUSE, $PATIENCE) = (0.1, 5); # seconds between two questions to a replica, and for its answer
my $end = now() + $seconds;
my @waiting = map { { number => $_, place => $places[$_], next => 0, last => [0, ''] } } 0 .. $#places;
$| = 1;

sub tell_of { my ($one, $status, $body) = @_; $body =~ s/\s+/ /g; print join("\t", $one->{number}, $status, $body =~ s/^ | $//gr), "\n" }

sub begin {
  my ($one) = @_;
  my ($host, $port) = $one->{place} =~ /^([\d.]+):(\d+)$/ or return answered($one, 0, '');
  socket my $socket, PF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0;
  my $address = sockaddr_in($port, inet_aton($host));
  connect($socket, $address) || $! == EINPROGRESS or return answered($one, 0, '');
  @$one{qw(socket sent text late)} = ($socket, 0, '', now() + $PATIENCE);
}

# A replica that has said WORD is done. Any other is asked again after a pause.
sub answered {
  my ($one, $status, $body) = @_;
  delete $one->{socket};
  $one->{last} = [$status, $body];
  $one->{next} = now() + $PAUSE;
  my $says = $status == 200 && $body =~ /^\s*\Q$word\E\s*$/;
  $one->{done} = 1 if !$seconds || $word ne '' && $says;
  tell_of($one, $status, $body) if $one->{done};
}

sub go_on { # where the socket is ready
  my ($one) = @_;
  if (!$one->{sent}) {
    my $asked = "GET $path HTTP/1.0${CRLF}Host: $one->{place}${CRLF}Connection: close${CRLF}${CRLF}";
    return answered($one, 0, '') if unpack('i', getsockopt($one->{socket}, SOL_SOCKET, SO_ERROR)) || !defined syswrite $one->{socket}, $asked;
    return $one->{sent} = 1;
  }
  my $read = sysread $one->{socket}, $one->{text}, 65536, length $one->{text};
  return if !defined $read && ($! == EAGAIN || $! == EINTR);
  my ($status, $head, $body) = $one->{text} =~ m{^HTTP/\d\.\d (\d{3})(.*?)\r?\n\r?\n(.*)}s;
  my ($length) = ($head // '') =~ /^content-length:\s*(\d+)/mi;
  return unless !$read || defined $length && length $body >= $length; # 0 is the end, undef is an error
  answered($one, $status // 0, $body // '');
}

while (@waiting = grep { !$_->{done} } @waiting) {
  my ($now, $reads, $writes) = (now(), '', '');
  vec($reads, 0, 1) = 1;
  for my $one (@waiting) {
    begin($one) if !$one->{socket} && $now >= $one->{next};
    answered($one, 0, '') if $one->{socket} && $now >= $one->{late};
    vec($one->{sent} ? $reads : $writes, fileno $one->{socket}, 1) = 1 if $one->{socket};
  }
  select $reads, $writes, undef, 0.05;
  my $over = vec($reads, 0, 1) && !sysread STDIN, my $input, 99;
  for my $one (grep { $_->{socket} } @waiting) {
    go_on($one) if vec($reads, fileno $one->{socket}, 1) || vec($writes, fileno $one->{socket}, 1);
  }
  last if $over || $seconds && now() >= $end;
}
tell_of($_, @{ $_->{last} }) for grep { !$_->{done} } @waiting;
