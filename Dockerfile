# syntax=docker/dockerfile:1

FROM node:22-alpine AS page
WORKDIR /src/web/ui
COPY web/ui/package.json web/ui/package-lock.json web/ui/.npmrc ./
RUN --mount=type=cache,target=/cache/npm npm ci --cache /cache/npm
COPY web/ui ./
RUN npm run build

FROM golang:1.26-alpine AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
COPY --from=page /src/web/ui/dist web/ui/dist
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/cache/go-build GOCACHE=/cache/go-build \
    CGO_ENABLED=0 go build -trimpath -ldflags=-s -o /out/invoices ./cmd/invoices
# A new volume takes the owner of the directory that it covers.
RUN mkdir /out/data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/invoices /invoices
COPY --from=build --chown=65532:65532 /out/data /var/lib/eventim
USER 65532:65532
ENV EVENTIM_DATA=/var/lib/eventim
VOLUME /var/lib/eventim
EXPOSE 8080 8081
ENTRYPOINT ["/invoices"]
CMD ["--help"]
