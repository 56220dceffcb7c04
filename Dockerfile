# The image holds the static binary, the certificates of the public authorities and an empty /data; it runs as a user that is not root.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=unknown
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/dutyline ./cmd/dutyline && mkdir /out/data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/dutyline /usr/local/bin/dutyline
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
WORKDIR /
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/usr/local/bin/dutyline", "health", "--url", "http://127.0.0.1:8080"]
ENTRYPOINT ["/usr/local/bin/dutyline"]
# What to run is said each time: an image that nobody told to serve must not start a simulated telephone network.
CMD ["--help"]
