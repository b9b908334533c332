# shellcheck shell=bash
# Runs a program after each start of the Docker Engine. Prints what it changed.
#   unit     its name
#   program  its path
#   text     its content
# Function: write.
: "${unit:?}" "${program:?}" "${text:?}"

write "$program" 700 <<<"$text"
if [ -d /run/systemd/system ]; then
  write "/etc/systemd/system/$unit.service" 644 <<UNIT
[Unit]
Description=Starts the containers that Docker could not attach to Swarm's networks
After=docker.service
PartOf=docker.service

[Service]
Type=exec
ExecStart=$program

[Install]
WantedBy=docker.service
UNIT
  systemctl daemon-reload
  systemctl enable -q "$unit"
else
  write "/etc/cron.d/$unit" 644 <<<"@reboot root $program"
fi
