# syntax=docker/dockerfile:1
# Parameter servers, workers and evaluators. From the project's folder:
#   docker build -f docker/runtime.Dockerfile --target wasm           -t downpour/runtime:0.1.0 .
#   docker build -f docker/runtime.Dockerfile --target tensorflow-cpu -t downpour/runtime:0.1.0-tensorflow-cpu .
#   docker build -f docker/runtime.Dockerfile --target tensorflow-gpu -t downpour/runtime:0.1.0-tensorflow-gpu .
# Tags, not digests: pin all where you build, `docker buildx imagetools inspect IMAGE` says what a tag is today.
ARG NODE_IMAGE=docker.io/library/node:24-bookworm-slim
# Needs glibc, libstdc++ and nothing else.
ARG BASE_IMAGE=gcr.io/distroless/cc-debian12:nonroot
# For the wheels: pip, and the CUDA libraries' links as pip leaves them.
ARG PYTHON_IMAGE=docker.io/library/python:3.12-slim-bookworm

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

# Native TensorFlow: the C library of the Python wheel under the addon of tfjs, which is built against it. The same
# addon serves CPU and GPU; only the wheel differs.
FROM ${PYTHON_IMAGE} AS wheel-cpu
RUN pip install --no-cache-dir --no-deps --target /wheel tensorflow-cpu==2.18.0

FROM ${PYTHON_IMAGE} AS wheel-gpu
RUN pip install --no-cache-dir --target /wheel "tensorflow[and-cuda]==2.18.0"

FROM build AS addon
RUN apt-get update && apt-get install -y --no-install-recommends g++ make python3 && rm -rf /var/lib/apt/lists/*
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,id=ca \
    mkdir /addon && cd /addon && npm init -y > /dev/null && npm install --ignore-scripts @tensorflow/tfjs-node-gpu@4.22.0
COPY --from=wheel-cpu /wheel/tensorflow /wheel/tensorflow
WORKDIR /addon/node_modules/@tensorflow/tfjs-node-gpu
RUN mkdir -p deps/lib && ln -s /wheel/tensorflow/include deps/include \
    && for name in tensorflow_cc tensorflow_framework; do ln -s "/wheel/tensorflow/lib$name.so.2" deps/lib/; done \
    && ln -s libtensorflow_cc.so.2 deps/lib/libtensorflow.so \
    && ln -s libtensorflow_framework.so.2 deps/lib/libtensorflow_framework.so
# /usr/local of the Node image holds the headers.
RUN npm_config_nodedir=/usr/local npx node-pre-gyp install --build-from-source \
    && rm -rf deps && mkdir -p /out/opt/downpour && cp -a /addon/node_modules /out/opt/downpour/

FROM runtime AS tensorflow-cpu
COPY --from=addon /out/opt/downpour/node_modules /opt/downpour/node_modules
COPY --from=wheel-cpu /wheel/tensorflow/libtensorflow_cc.so.2 /wheel/tensorflow/libtensorflow_framework.so.2 /opt/tensorflow/
ENV LD_LIBRARY_PATH=/opt/tensorflow

FROM runtime AS tensorflow-gpu
COPY --from=addon /out/opt/downpour/node_modules /opt/downpour/node_modules
COPY --from=wheel-gpu /wheel/tensorflow/libtensorflow_cc.so.2 /wheel/tensorflow/libtensorflow_framework.so.2 /opt/tensorflow/
COPY --from=wheel-gpu /wheel/nvidia /opt/nvidia
# One folder a library, as the wheels lay them out.
ENV LD_LIBRARY_PATH=/opt/tensorflow:/opt/nvidia/cublas/lib:/opt/nvidia/cuda_cupti/lib:/opt/nvidia/cuda_nvrtc/lib:/opt/nvidia/cuda_runtime/lib:/opt/nvidia/cudnn/lib:/opt/nvidia/cufft/lib:/opt/nvidia/curand/lib:/opt/nvidia/cusolver/lib:/opt/nvidia/cusparse/lib:/opt/nvidia/nccl/lib:/opt/nvidia/nvjitlink/lib \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility

# The default target: WASM everywhere.
FROM runtime AS wasm
