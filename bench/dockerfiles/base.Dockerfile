# Brings the base, and what is the same in every image on it, into the builder before a cold run.
ARG BASE
FROM ${BASE}
RUN uv venv -q /opt/venv
