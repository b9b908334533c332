#!/bin/bash
# Starts nginx. With several hosts, one that boots must refuse clients until its balancer has found a replica: then they use
# another host. A balancer that finds none for so long may say so. The scripts fill in the value in ${}.
limit=${PATIENCE} # seconds

answer() {
  (exec 3<>/dev/tcp/balancer/8080 && printf 'GET /status HTTP/1.0\r\n\r\n' >&3 && timeout 5 head -n 1 <&3) 2>/dev/null
}
until ((SECONDS >= limit)) || [[ $(answer) == *' 200 '* ]]; do sleep 0.2; done
# While the Docker Engine hangs or is down, nobody reads the log, and nginx waits when the pipe is full: at 64 KB, after some
# 150 requests. 1 MB is what a user without rights may have (pipe(7), F_SETPIPE_SZ).
perl -e 'fcntl STDOUT, 1031, 1 << 20' 2>/dev/null || true
exec nginx -c /etc/prusa/live/nginx.conf -g 'daemon off;'
