# Both programs in one image: the worker is what it runs, the starter is there to be called
# (docker run --rm waybill starter --help).
FROM --platform=$BUILDPLATFORM golang:1.26.8 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH
# The version that `starter version` prints comes from .git.
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags="-s -w" -o /out/ ./worker ./starter
# An empty folder that the last stage can copy with the owner it needs there.
RUN mkdir -p /out/files

# Alpine rather than an empty image: its wget is the health check, and there is a shell to look around with.
FROM alpine:3.24
RUN apk add --no-cache ca-certificates tzdata && adduser -D -H -u 10001 waybill
COPY --from=build /out/worker /out/starter /usr/local/bin/
# A volume that is mounted here first becomes writable for the user. Workers on several machines share one blob store.
COPY --from=build --chown=waybill /out/files /var/lib/waybill/files
USER waybill
VOLUME /var/lib/waybill/files
EXPOSE 8080
# Workers without the gateway role have nothing to ask: run those with --no-healthcheck.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD wget -q -O /dev/null http://127.0.0.1:8080/healthz
CMD ["worker", "--gateway", ":8080"]
