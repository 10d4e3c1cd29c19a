#!/usr/bin/env bash
# Builds the package that Azure Functions runs. `./package.sh --help` says more.
set -euo pipefail
cd -P "$(dirname "${BASH_SOURCE[0]}")"

# The oldest glibc that the program has to start on.
glibc=2.28
target=x86_64-unknown-linux-gnu
# The SHA-256 of the package depends on this compiler, on packaging/requirements.txt and on the commit.
rust=1.95.0
work=$PWD/target/package

usage() {
    cat <<END
Usage: ./package.sh [--dirty] [--check]

Builds dist/mimecast-ttp.zip from the checked-out commit: the program without simulators, for x86_64 Linux with
glibc $glibc or newer, and what the Functions host needs beside it. Beside the zip come

  mimecast-ttp.zip.sha256   its SHA-256, for sha256sum --check
  mimecast-ttp.cdx.json     what is compiled in, with versions and licences (CycloneDX)

The same commit gives the same bytes: nothing of the machine goes into them.

  --dirty  build from files as they are, committed or not
  --check  then unpack the zip, start it as its host.json says, and see it deliver between simulators

Needs Rust with the C linker that it asks for, and Python 3.8 or newer with venv. The compiler ($rust) and the linker
of the package are fetched where they are missing.
END
}

die() {
    printf '%s\n' "$@" >&2
    exit 1
}

dirty=false check=false
for argument in "$@"; do
    case $argument in
    --dirty) dirty=true ;;
    --check) check=true ;;
    -h | --help) usage && exit ;;
    *) usage >&2 && exit 2 ;;
    esac
done

[[ $(uname -sm) == "Linux x86_64" ]] || die "The package is built on x86_64 Linux; this is $(uname -sm)."

commit=$(git rev-parse HEAD 2>/dev/null || echo unknown)
# Where there is no commit, the first second that a zip can hold.
SOURCE_DATE_EPOCH=$(git show --no-patch --format=%ct HEAD 2>/dev/null || echo 315532800)
if [[ $commit == unknown || -n $(git status --porcelain) ]]; then
    $dirty || die "These files are not those of a commit: commit them, or build with --dirty." "$(git status --short 2>&1)"
    commit+=-dirty
fi

python3 -m venv "$work/tools" ||
    die "Python 3.8 or newer with venv is needed; on Debian and Ubuntu: apt-get install python3-venv"
export PATH="$work/tools/bin:$PATH"
pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes --requirement packaging/requirements.txt

# In a subshell, since the smoke test is built as usual.
(
    if [[ $(rustc --version) != "rustc $rust "* ]]; then
        if rustup toolchain install "$rust" --profile minimal --no-self-update; then
            export RUSTUP_TOOLCHAIN=$rust
        else
            printf 'Rust %s is not available: %s gives a package with another SHA-256.\n' "$rust" "$(rustc --version)" >&2
        fi
    fi
    export SOURCE_DATE_EPOCH
    # Nothing of this machine goes into the program: neither its paths nor its settings for compilers.
    unset CFLAGS "${!CARGO_PROFILE_@}"
    cargo fetch --locked --target "$target"
    CARGO_ENCODED_RUSTFLAGS=--remap-path-prefix=$PWD=/mimecast-ttp
    for crates in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
        CARGO_ENCODED_RUSTFLAGS+=$'\x1f'--remap-path-prefix=$crates=/crates
    done
    export CARGO_ENCODED_RUSTFLAGS
    export CARGO_ZIGBUILD_CACHE_DIR=$work/linker ZIG_GLOBAL_CACHE_DIR=$work/linker/zig
    cargo zigbuild --release --locked --package mimecast-ttp --no-default-features --target "$target.$glibc" --target-dir "$work"
    python packaging/bundle.py --program "$work/$target/release/mimecast-ttp" --target "$target" --glibc "$glibc" \
        --commit "$commit" --epoch "$SOURCE_DATE_EPOCH" --out dist
)

if $check; then
    cargo test --locked --test package -- --ignored
fi
