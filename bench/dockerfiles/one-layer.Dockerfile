# uv with a cache mount, all packages in one instruction.
ARG BASE
FROM ${BASE}
RUN uv venv -q /opt/venv
ARG BYTECODE=0
RUN --mount=type=cache,target=/root/.cache/uv --mount=type=bind,source=requirements.txt,target=/tmp/requirements.txt \
    UV_LINK_MODE=copy UV_COMPILE_BYTECODE=$BYTECODE uv pip install -q --no-deps --python /opt/venv -r /tmp/requirements.txt
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin
