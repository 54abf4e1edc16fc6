# What most people do: pip with a cache mount; it compiles bytecode.
ARG BASE
FROM ${BASE}
RUN --mount=type=cache,target=/root/.cache/pip python3 -m venv /opt/venv && /opt/venv/bin/pip install -q -U pip
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=bind,source=requirements.txt,target=/tmp/requirements.txt \
    /opt/venv/bin/pip install -q --no-deps -r /tmp/requirements.txt
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin
