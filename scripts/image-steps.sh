#!/bin/sh
# Copyright The Clusternet Authors.
# SPDX-License-Identifier: Apache-2.0
#
# The steps that make the contents of a service's image. Each Dockerfile runs them in its stages, and scripts/image.ts runs the very same
# ones in plain folders, so that what an image will hold can be tried on a machine without a container engine.
#
#   image-steps.sh prune   SERVICE OUT    from the repository: OUT/json (manifests, enough to install) and OUT/full (sources)
#   image-steps.sh install                in a copy of OUT/json: the dependencies, exactly as locked
#   image-steps.sh build   SERVICE        in the same folder with OUT/full copied over it: the bundle
#   image-steps.sh helm    OUT            from the repository: OUT/helm, built from the module that packages/localup/go pins by its checksums
#   image-steps.sh collect SERVICE APP    the one file that the image carries
set -eu

# The version is chosen here, so package.json's own pin (which a frozen lockfile cannot record) has no say.
pnpm() {
  npx -y pnpm@12 --config.pm-on-fail=ignore "$@"
}

step=$1
shift
case "$step" in
  prune)
    service=$1 out=$2
    if [ -x node_modules/.bin/turbo ]; then turbo=node_modules/.bin/turbo; else
      turbo="npx -y turbo@$(node -p "require('./package.json').devDependencies.turbo")"
    fi
    TURBO_TELEMETRY_DISABLED=1 $turbo prune "@clusternet/$service" --docker --out-dir "$out"
    # turbo knows the packages only; their build also reads these.
    mkdir -p "$out/json/scripts"
    cp scripts/image-steps.sh "$out/json/scripts/"
    mkdir -p "$out/full/scripts"
    cp scripts/bundle.ts "$out/full/scripts/"
    cp tsconfig.json "$out/full/"
    ;;
  install)
    pnpm install --frozen-lockfile --prefer-offline
    ;;
  build)
    pnpm exec turbo run build --filter "@clusternet/$1" --output-logs=new-only
    ;;
  helm)
    out=$1
    cd packages/localup/go
    version=$(go list -mod=readonly -m -f '{{.Version}}' helm.sh/helm/v3)
    CGO_ENABLED=0 GOWORK=off GOFLAGS='' go build -mod=readonly -buildvcs=false -trimpath \
      -ldflags "-s -w -X helm.sh/helm/v3/internal/version.version=$version" -o "$out/helm" helm.sh/helm/v3/cmd/helm
    chmod 0555 "$out/helm"
    ;;
  collect)
    service=$1 app=$2
    mkdir -p "$app"
    cp "packages/$service/dist/main.js" "$app/main.js"
    # ESM, whatever folder it lies in.
    echo '{"type":"module"}' > "$app/package.json"
    chmod 0444 "$app/main.js" "$app/package.json"
    chmod 0555 "$app"
    ;;
  *)
    echo "image-steps: \"$step\" is none of prune, install, build, helm, collect" >&2
    exit 2
    ;;
esac
