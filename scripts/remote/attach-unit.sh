# shellcheck shell=bash
# Runs a program after each start of the Docker Engine, and, as `PROGRAM close`, before it is stopped. Prints what it changed.
#   unit     its name
#   program  its path
#   text     its content
# Function: write.
: "${unit:?}" "${program:?}" "${text:?}"

write "$program" 700 <<<"$text"
if [ -d /run/systemd/system ]; then
  write "/etc/systemd/system/$unit.service" 644 <<UNIT
[Unit]
Description=Starts containers that Docker could not attach to Swarm's networks; closes the load balancer before Docker stops
After=docker.service
PartOf=docker.service

[Service]
Type=exec
RemainAfterExit=yes
ExecStart=$program
ExecStop=$program close

[Install]
WantedBy=docker.service
UNIT
  systemctl daemon-reload
  # A unit that does not run is not stopped either. One that runs is never restarted: it would close the load balancer.
  systemctl enable -q --now "$unit"
else
  write "/etc/cron.d/$unit" 644 <<<"@reboot root $program"
fi
