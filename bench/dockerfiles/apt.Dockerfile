# OS packages as most people add them; package lists, downloaded packages and apt's configuration come in as volumes of the build.
ARG BASE
FROM ${BASE}
ARG PACKAGES
RUN DEBIAN_FRONTEND=noninteractive APT_CONFIG=/bench-apt/apt.conf apt-get install -qq -y --no-install-recommends ${PACKAGES}
