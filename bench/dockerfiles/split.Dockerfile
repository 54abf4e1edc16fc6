# The same, split by hand: what seldom changes in an instruction of its own, before what changes every day.
ARG BASE
FROM ${BASE}
RUN uv venv -q /opt/venv
ARG BYTECODE=0
RUN --mount=type=cache,target=/root/.cache/uv --mount=type=bind,source=heavy.txt,target=/tmp/heavy.txt \
    UV_LINK_MODE=copy UV_COMPILE_BYTECODE=$BYTECODE uv pip install -q --no-deps --python /opt/venv -r /tmp/heavy.txt
RUN --mount=type=cache,target=/root/.cache/uv --mount=type=bind,source=light.txt,target=/tmp/light.txt \
    UV_LINK_MODE=copy UV_COMPILE_BYTECODE=$BYTECODE uv pip install -q --no-deps --python /opt/venv -r /tmp/light.txt
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin
