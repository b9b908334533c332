# Makes an image of any folder that contains app.py, create_db.py and requirements.txt. The build context contains:
#   app/           the application
#   requirements/  the files of it that pip reads; a change of other files does not run pip again
#   psycopg2.py
#   process1/      the first process of a replica
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
# The environment includes the image's own packages: in Debian mode they satisfy requirements.txt without a download.
RUN : prusa release; python -m venv --system-site-packages --without-pip /opt/venv
# The application's final folder, since an editable install refers to it.
WORKDIR /app
COPY requirements .
# Secrets `ca` and `pipconf` are the server's CA bundle and pip.conf, for a private mirror. With the short timeout, a
# network that drops packets is an error after 20 seconds.
RUN --mount=type=secret,id=ca,target=/run/secrets/ca --mount=type=secret,id=pipconf,target=/run/secrets/pipconf \
    --mount=type=bind,source=psycopg2.py,target=/run/psycopg2.py \
    if [ -e /run/secrets/pipconf ]; then export PIP_CONFIG_FILE=/run/secrets/pipconf; fi \
 && if [ -e /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca; fi \
 && python /run/psycopg2.py \
 && pip --python /opt/venv/bin/python install --no-cache-dir --disable-pip-version-check \
      --progress-bar off --retries 1 --timeout 10 -r requirements.txt

FROM ${PYTHON_IMAGE}
RUN : prusa release; useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin app
COPY --from=build /opt/venv /opt/venv
COPY process1 /opt/process1
COPY app /app
WORKDIR /app
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER app
EXPOSE 5000
HEALTHCHECK --interval=30s --timeout=3s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as u; assert u.urlopen(f\"http://127.0.0.1:{os.environ.get('APP_PORT') or 5000}/status\", timeout=2).read().strip() == b'OK'"]
# -I and -S: it imports nothing from the application’s folder and packages.
ENTRYPOINT ["python", "-I", "-S", "/opt/process1"]
CMD ["python", "app.py"]

# Last, since they change with every release.
ARG RELEASE
ARG REVISION
ARG CREATED
LABEL org.opencontainers.image.title="app" \
      org.opencontainers.image.version="${RELEASE}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
