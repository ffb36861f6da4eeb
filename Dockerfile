# Everything that builds stays in the first stage; the image is a Node.js runtime and one file.
# Both bases can be replaced: --build-arg BASE_RUNTIME=<any image with a `node` 24 on its PATH>.
ARG BASE_BUILD=node:24-bookworm-slim
ARG BASE_RUNTIME=gcr.io/distroless/nodejs24-debian13:nonroot

FROM ${BASE_BUILD} AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json ./
COPY src ./src
RUN npm run build

FROM ${BASE_RUNTIME}
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="custom-domain-operator" \
      org.opencontainers.image.description="SaaS custom domains as Kubernetes resources, kept in step with Cloudflare for SaaS, Chargebee and DNS" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# Distroless images keep node in /nodejs/bin and do not list it.
ENV NODE_ENV=production PATH=/nodejs/bin:/usr/local/bin:/usr/bin:/bin
COPY --from=build /src/dist/main.js /app/dist/main.js
WORKDIR /app
# By number, so that Kubernetes can tell that it is not root.
USER 65532:65532
EXPOSE 8081
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["operator"]
