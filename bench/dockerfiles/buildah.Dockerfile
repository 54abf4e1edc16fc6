# uv; its cache comes in as a volume of the build.
ARG BASE
FROM ${BASE}
RUN uv venv -q /opt/venv
ARG BYTECODE=0
COPY requirements.txt /tmp/requirements.txt
RUN UV_LINK_MODE=copy UV_COMPILE_BYTECODE=$BYTECODE uv pip install -q --no-deps --python /opt/venv -r /tmp/requirements.txt
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin
