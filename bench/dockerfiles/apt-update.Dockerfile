# Fetches the package lists into a volume of the build.
ARG BASE
FROM ${BASE}
RUN APT_CONFIG=/bench-apt/apt.conf apt-get update -qq
