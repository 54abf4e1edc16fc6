# Two stages: the packages are installed on a pinned base and copied with --link, so that their layer does not depend on the
# base below it: the best there is for a base that changes.
ARG BASE
ARG BUILDER
FROM ${BUILDER} AS build
RUN uv venv -q /opt/venv
ARG BYTECODE=0
RUN --mount=type=cache,target=/root/.cache/uv --mount=type=bind,source=requirements.txt,target=/tmp/requirements.txt \
    UV_LINK_MODE=copy UV_COMPILE_BYTECODE=$BYTECODE uv pip install -q --no-deps --python /opt/venv -r /tmp/requirements.txt
FROM ${BASE}
COPY --link --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin
