# syntax=docker/dockerfile:1
# Parameter servers, workers and evaluators. From the project's folder:
#   docker build -f docker/runtime.Dockerfile --target wasm           -t downpour/runtime:0.1.0 .
#   docker build -f docker/runtime.Dockerfile --target tensorflow-cpu -t downpour/runtime:0.1.0-tensorflow-cpu .
#   docker build -f docker/runtime.Dockerfile --target tensorflow-gpu -t downpour/runtime:0.1.0-tensorflow-gpu .
# Both bases are pinned; `docker buildx imagetools inspect NAME:TAG` says what a tag is today.
ARG NODE_IMAGE=docker.io/library/node:24-bookworm-slim@sha256:6f7b03f7c2c8e2e784dcf9295400527b9b1270fd37b7e9a7285cf83b6951452d
# Needs glibc, libstdc++ and nothing else.
ARG BASE_IMAGE=gcr.io/distroless/cc-debian12:nonroot@sha256:9dac0a79194e45a7da0158a9c6da57b217585af0786db3845d1f0ec1a0dd182f
ARG TENSORFLOW_VERSION=2.18.0

FROM ${NODE_IMAGE} AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
# A private registry's .npmrc and a proxy's certificates come as secrets and stay in no layer.
ENV NODE_EXTRA_CA_CERTS=/run/secrets/ca
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,id=ca \
    npm ci --ignore-scripts
COPY tools/images tools/images
COPY src src
RUN node tools/images/bundle.ts runtime /out/dist && node tools/images/runtime-modules.ts /out

# What all targets share.
FROM ${BASE_IMAGE} AS runtime
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="downpour/runtime" \
      org.opencontainers.image.description="Parameter servers, workers and evaluators of Downpour" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY package.json LICENSE /opt/downpour/
COPY --from=build /out /opt/downpour
ENV NODE_ENV=production HOME=/tmp
USER 65532:65532
EXPOSE 7077 9090
ENTRYPOINT ["/usr/local/bin/node", "/opt/downpour/dist/runtime/downpour.mjs"]

# Native TensorFlow: the C library of the Python wheel under the addons that are compiled against it, by the same
# tools as `npm run setup:tensorflow`. One addon serves CPU and GPU; only the wheel differs. Python stays behind.
FROM build AS tensorflow-tools
COPY tools tools
RUN node tools/images/bundle.ts tensorflow /tools

FROM ${NODE_IMAGE} AS compiler
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ python3 python3-pip \
    && rm -rf /var/lib/apt/lists/*

FROM compiler AS wheel-cpu
COPY --from=tensorflow-tools /tools/wheel.mjs /tools/
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=ca \
    if [ -s /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca; fi \
    && mkdir /wheel && node /tools/wheel.mjs /wheel && rm /wheel/*.whl

FROM compiler AS wheel-gpu
ARG TENSORFLOW_VERSION
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=ca \
    if [ -s /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca; fi \
    && pip install --no-cache-dir --target /wheel "tensorflow[and-cuda]==$TENSORFLOW_VERSION"

FROM wheel-cpu AS addon
COPY --from=tensorflow-tools /tools/addon.mjs /tools/
COPY --from=build /src/src/tensor/graph/graph.cc /tools/
COPY --from=build /src/node_modules/@tensorflow/tfjs-node-gpu /package
RUN mkdir /addon && node /tools/addon.mjs /wheel/tensorflow /package /addon /tools/graph.cc

# Only what the runtime does not have already: tfjs-node-gpu and its dependencies. The package looks for its addon here,
# and the addon for its libraries beside itself.
FROM build AS tensorflow
RUN node tools/images/runtime-modules.ts /out/tensorflow @tensorflow/tfjs-node-gpu
COPY --from=addon /addon /out/tensorflow/node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8

FROM runtime AS tensorflow-cpu
COPY --from=tensorflow /out/tensorflow /opt/downpour
COPY --from=wheel-cpu /wheel/tensorflow/libtensorflow_cc.so.2 /wheel/tensorflow/libtensorflow_framework.so.2 \
     /opt/downpour/node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/

FROM runtime AS tensorflow-gpu
COPY --from=tensorflow /out/tensorflow /opt/downpour
COPY --from=wheel-gpu /wheel/tensorflow/libtensorflow_cc.so.2 /wheel/tensorflow/libtensorflow_framework.so.2 \
     /opt/downpour/node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/
COPY --from=wheel-gpu /wheel/nvidia /opt/nvidia
# One folder a library, as the wheels lay them out.
ENV LD_LIBRARY_PATH=/opt/nvidia/cublas/lib:/opt/nvidia/cuda_cupti/lib:/opt/nvidia/cuda_nvrtc/lib:/opt/nvidia/cuda_runtime/lib:/opt/nvidia/cudnn/lib:/opt/nvidia/cufft/lib:/opt/nvidia/curand/lib:/opt/nvidia/cusolver/lib:/opt/nvidia/cusparse/lib:/opt/nvidia/nccl/lib:/opt/nvidia/nvjitlink/lib \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility

# The default target: WASM everywhere.
FROM runtime AS wasm
