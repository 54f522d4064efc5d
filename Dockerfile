# The operator on a distroless base: Node.js, its libraries, and nothing else. Both bases are arguments, pinned by the digests
# of their indexes, which hold amd64 and arm64.
ARG BUILD_IMAGE=docker.io/library/node:24-bookworm-slim@sha256:6f7b03f7c2c8e2e784dcf9295400527b9b1270fd37b7e9a7285cf83b6951452d
ARG BASE_IMAGE=gcr.io/distroless/nodejs24-debian13:nonroot@sha256:af85d11ce7ef10172855a6e3649e3e8125b1b9e3ca41849ec2918036f05cb212
# What is built runs on every platform, so it is built on this machine's own.
ARG BUILDPLATFORM

FROM --platform=${BUILDPLATFORM} ${BUILD_IMAGE} AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
# No package needs a script of its own to be installed, so none may run one.
RUN npm ci --ignore-scripts --include=dev --prefer-offline
COPY tsconfig.json LICENSE ./
COPY src src
COPY hack hack
RUN npm exec -- tsc -p tsconfig.json && node dist/hack/bundle-program.js
ARG SOURCE_DATE_EPOCH=0
RUN node dist/hack/image/main.js /out

FROM ${BASE_IMAGE}
ARG VERSION=0.0.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="config-weaver" \
      org.opencontainers.image.description="Shares ConfigMaps across namespaces with the rights of each tenant's own ServiceAccount" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.vendor="The config-weaver authors" \
      org.opencontainers.image.source="https://git.example.com/config-weaver/config-weaver" \
      org.opencontainers.image.documentation="https://git.example.com/config-weaver/config-weaver/docs" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
COPY --from=build /out/ /
ENV NODE_ENV=production
# By number: that is how the kubelet can tell that it is not root.
USER 65532:65532
EXPOSE 8081 8443
ENTRYPOINT ["/nodejs/bin/node", "--max-semi-space-size=4", "--disable-sigusr1", "/opt/config-weaver/config-weaver.mjs"]
CMD ["run"]
