# One image: the API server and the Chromium whose pages make the tokens. Nothing is downloaded but from npm and Debian, so it
# builds for amd64 and arm64 alike.
#
#   docker build -t genspark2api .
#   docker run -d -p 7044:7044 -v genspark2api-data:/app/data -e GS_COOKIE=... -e API_SECRET=sk-... genspark2api
#   docker run --rm -e GS_COOKIE=... genspark2api doctor
#   docker run --rm -p 127.0.0.1:7044:7044 genspark2api demo

ARG BASE=node:24-bookworm-slim

FROM ${BASE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# A mirror, where the registry is slow to reach: the lock file pins what each package must be.
ARG NPM_REGISTRY=
# What only editors, bundlers and other module systems read is left out.
RUN npm ci --omit=dev ${NPM_REGISTRY:+--registry="$NPM_REGISTRY"} \
  && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete \
  && rm -rf node_modules/.package-lock.json node_modules/gpt-tokenizer/cjs node_modules/gpt-tokenizer/esm \
    node_modules/gpt-tokenizer/src

FROM ${BASE}
LABEL org.opencontainers.image.title="genspark2api" \
  org.opencontainers.image.description="An OpenAI-compatible API in front of your own Genspark accounts" \
  org.opencontainers.image.licenses="MIT"

# `chromium-headless-shell` takes 40 % less memory and has no window; whether the site takes its tokens is for `doctor` to tell:
#   docker build --build-arg CHROMIUM=chromium-headless-shell --build-arg XVFB= -t genspark2api:slim .
ARG CHROMIUM=chromium

# For BROWSER_HEADED=1; empty leaves it out: 8 MB less.
ARG XVFB=xvfb
# Host of a mirror of Debian, where that one is slow to reach; packages are signed.
ARG APT_MIRROR=deb.debian.org

# Chromium with its sandbox helper, small fonts that cover Chinese, Japanese and Korean, and an init that reaps its processes.
# Taken out again: drivers for graphics cards, which a container has none of (220 MB with the compiler that they bring), icons,
# languages of menus that nobody sees, and npm.
RUN find /etc/apt/sources.list* -type f -exec sed -i "s#//deb.debian.org/#//$APT_MIRROR/#" {} + \
  && apt-get update \
  && apt-get install -y --no-install-recommends ${CHROMIUM} chromium-sandbox fonts-droid-fallback tini ${XVFB} \
  && find /usr/lib/chromium*/locales -type f ! -name 'en-US*' -delete \
  && rm -rf /usr/lib/*-linux-gnu/dri /usr/lib/*-linux-gnu/libLLVM* /usr/lib/*-linux-gnu/libz3.so* \
    /usr/lib/chromium*/libVkLayer_khronos_validation.so /usr/share/icons/* /usr/share/locale/* /usr/share/doc/* /usr/share/man/* \
    /var/lib/apt/lists/* /var/cache/* /var/log/* \
    /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn* /usr/local/bin/yarn*

WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json LICENSE ./
COPY src src
# The demo: the service with a mock of the site, `docker run --rm -p 7044:7044 genspark2api demo`.
COPY scripts/demo.ts scripts/demo.ts
COPY scripts/lib/demo-settings.ts scripts/lib/demo-settings.ts
COPY test/emulator test/emulator
COPY test/support/self-signed.ts test/support/self-signed.ts
# The one place that is written to, beside /tmp: both may be mounted over a read-only root.
RUN install -d -o node -g node data node_modules/.cache

# The name of Chromium tells the service how much memory to reckon with.
ENV NODE_ENV=production HOST=0.0.0.0 BROWSER_EXECUTABLE=/usr/bin/${CHROMIUM}
USER node
# What V8 makes of the sources is kept in the image, so that each start reads it: the service is started on an address that no
# machine has, which loads everything and ends with exit code 1.
RUN HOST=192.0.2.1 DATA_DIR=/tmp/build node src/start.js || [ $? = 1 ] && rm -r /tmp/build
VOLUME /app/data
EXPOSE 7044
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["node", "src/start.js", "healthcheck"]
# V8 would let its young generation grow to 100 MB, which makes nothing quicker here: measured, 8 costs no processor time.
ENTRYPOINT ["tini", "--", "node", "--max-semi-space-size=8", "src/start.js"]
