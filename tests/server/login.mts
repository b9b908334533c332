/** A server whose logins are as people have them, made worse: bash for root. */

/** root's login prints, and sets what Docker, Compose and new files go by. */
export const LOGIN = `
cat >/root/.profile <<'PROFILE'
echo Welcome
echo Careful >&2
umask 077
export DOCKER_HOST=tcp://192.0.2.1 COMPOSE_FILE=/nowhere COMPOSE_PROJECT_NAME=other HTTP_PORT=1
export PATH=/usr/bin LC_ALL=cs_CZ.UTF-8 TZ=Asia/Tokyo TMPDIR=/nowhere
PROFILE
cp /root/.profile /root/.bashrc
echo 'case $USER in root|admin) echo Hello; echo Hello >&2 ;; esac' >/etc/ssh/sshrc
echo Authorized use only >/etc/issue.net; echo 'Banner /etc/issue.net' >/etc/ssh/sshd_config.d/banner.conf
systemctl reload ssh`

/**
 * The login `admin` of every page: it is root's, with the same key and the same startup files, and its sudo keeps what
 * they set.
 */
export const ADMIN = `
useradd --create-home --shell /bin/bash --password '*' admin
cat >/etc/sudoers.d/admin <<'SUDOERS'
admin ALL=(ALL) NOPASSWD: ALL
Defaults:admin !env_reset, !secure_path
SUDOERS
install -d -m 700 -o admin -g admin ~admin/.ssh
install -m 600 -o admin -g admin ~/.ssh/authorized_keys ~admin/.ssh
install -m 644 -o admin -g admin ~/.profile ~/.bashrc ~admin`
