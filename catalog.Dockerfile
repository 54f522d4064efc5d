# A server of the file-based catalog in catalog/, for a CatalogSource of type grpc.
ARG OPM_IMAGE=quay.io/operator-framework/opm:v1.74.0@sha256:b32d3891616662620da08d7f0ec42c2e69fa2de43427dc975d35b12f7a969a0f
FROM ${OPM_IMAGE}

LABEL operators.operatorframework.io.index.configs.v1=/configs

COPY catalog /configs
RUN ["/bin/opm", "serve", "/configs", "--cache-dir=/tmp/cache", "--cache-only"]

ENTRYPOINT ["/bin/opm"]
CMD ["serve", "/configs", "--cache-dir=/tmp/cache"]
