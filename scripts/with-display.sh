#!/usr/bin/env bash
# Runs a command on a display: the one at hand, or, on a Linux machine without one, a virtual one
# with software OpenGL.
#
#     scripts/with-display.sh python -m pytest
set -euo pipefail

if [ $# -eq 0 ]; then
    echo "usage: $0 command [argument ...]" >&2
    exit 2
fi

# macOS always has its window server; elsewhere than on Linux a virtual display is not ours to make.
[ "$(uname -s)" = Linux ] || exec "$@"

# ---------------------------------------------------------------- is there a display that answers?

# A variable left over from a closed session must not send Qt into an abort, so we really connect.
display_answers() {
    python3 - <<'PYTHON' 2>/dev/null
import os, re, socket, sys

def connects(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.settimeout(3)
        try:
            connection.connect(address)
        except OSError:
            return False
    return True

match = re.fullmatch(r"(?:(?P<host>[^/]*?)(?:/unix)?):(?P<number>\d+)(?:\.\d+)?",
                     os.environ.get("DISPLAY", ""))
if match:
    host, number = match["host"], int(match["number"])
    if host in ("", "unix"):
        path = f"/tmp/.X11-unix/X{number}"
        if connects(socket.AF_UNIX, path) or connects(socket.AF_UNIX, "\0" + path):
            sys.exit(0)
    elif connects(socket.AF_INET, (host, 6000 + number)):
        sys.exit(0)
wayland = os.environ.get("WAYLAND_DISPLAY")
if wayland:
    path = os.path.join(os.environ.get("XDG_RUNTIME_DIR", ""), wayland)
    sys.exit(0 if connects(socket.AF_UNIX, path) else 1)
sys.exit(1)
PYTHON
}

if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] && display_answers; then
    exec "$@"
fi

# ----------------------------------------------------------------- what a virtual display needs

# shared library → Debian package. Asked of the linker, not of the package manager, so that any
# distribution will do as long as the libraries are there.
libraries="
libGL.so.1             libgl1
libGLX_mesa.so.0       libgl1-mesa-dri libglx-mesa0
libEGL.so.1            libegl1
libOpenGL.so.0         libopengl0
libglib-2.0.so.0       libglib2.0-0
libdbus-1.so.3         libdbus-1-3
libfontconfig.so.1     libfontconfig1
libfreetype.so.6       libfreetype6
libxkbcommon.so.0      libxkbcommon0
libxkbcommon-x11.so.0  libxkbcommon-x11-0
libX11.so.6            libx11-6
libX11-xcb.so.1        libx11-xcb1
libXext.so.6           libxext6
libXrender.so.1        libxrender1
libxcb.so.1            libxcb1
libxcb-cursor.so.0     libxcb-cursor0
libxcb-glx.so.0        libxcb-glx0
libxcb-icccm.so.4      libxcb-icccm4
libxcb-image.so.0      libxcb-image0
libxcb-keysyms.so.1    libxcb-keysyms1
libxcb-randr.so.0      libxcb-randr0
libxcb-render.so.0     libxcb-render0
libxcb-render-util.so.0 libxcb-render-util0
libxcb-shape.so.0      libxcb-shape0
libxcb-shm.so.0        libxcb-shm0
libxcb-sync.so.1       libxcb-sync1
libxcb-xfixes.so.0     libxcb-xfixes0
libxcb-xkb.so.1        libxcb-xkb1
"

missing_packages() {
    local known library packages
    # ldconfig and Xvfb may lie outside a normal user's PATH
    known="$(PATH="$PATH:/usr/sbin:/sbin" ldconfig -p)"
    command -v Xvfb >/dev/null || echo xvfb
    while read -r library packages; do
        [ -z "$library" ] || grep -qF $'\t'"$library " <<<"$known" || echo "$packages"
    done <<<"$libraries"
    [ -n "$(find -L /usr/share/fonts "$HOME/.fonts" "$HOME/.local/share/fonts" \
        \( -name '*.[to]tf' -o -name '*.ttc' \) -print -quit 2>/dev/null)" ] || echo fonts-dejavu-core
}

missing="$(missing_packages | tr '\n' ' ')"
missing="${missing% }"
if [ -n "$missing" ]; then
    install="apt-get install -y --no-install-recommends $missing"
    if ! command -v apt-get >/dev/null; then
        echo "with-display: there is no display, and a virtual one needs these Debian packages" >&2
        echo "under the names they have in your distribution: $missing" >&2
        exit 1
    fi
    if [ "$(id -u)" -ne 0 ]; then
        echo "with-display: there is no display, and a virtual one needs: $missing" >&2
        echo "Install them with:" >&2
        echo "    sudo apt-get update && sudo $install" >&2
        exit 1
    fi
    echo "with-display: installing $missing" >&2
    log="$(mktemp)"
    export DEBIAN_FRONTEND=noninteractive
    # A list that cannot be refreshed may still be good enough; the install tells.
    apt-get -q -o DPkg::Lock::Timeout=120 update >"$log" 2>&1 </dev/null || true
    # shellcheck disable=SC2086  # a list of words
    if ! apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=120 install $missing \
        >>"$log" 2>&1 </dev/null; then
        cat "$log" >&2
        rm -f "$log"
        echo "with-display: this failed: $install" >&2
        exit 1
    fi
    rm -f "$log"
fi

# --------------------------------------------------------------------------- run on our own Xvfb

scratch="$(mktemp -d)"
xvfb=
finish() {
    if [ -n "$xvfb" ]; then
        kill "$xvfb" 2>/dev/null || true
        wait "$xvfb" 2>/dev/null || true
    fi
    rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

if [ ! -d "${XDG_RUNTIME_DIR:-}" ] || [ ! -O "${XDG_RUNTIME_DIR:-}" ]; then
    mkdir -m 0700 "$scratch/runtime"
    export XDG_RUNTIME_DIR="$scratch/runtime"
fi

# Xvfb itself finds a free number and writes it once it is ready: no guess, no sleep. (xvfb-run
# would do too, but mixes the command's stderr into its stdout and wants xauth besides.)
mkfifo "$scratch/number"
Xvfb -displayfd 3 -screen 0 1600x1200x24 -nolisten tcp -noreset \
    3>"$scratch/number" >"$scratch/log" 2>&1 </dev/null &
xvfb=$!
if ! read -r -t 60 number <"$scratch/number"; then
    echo "with-display: Xvfb did not start:" >&2
    cat "$scratch/log" >&2
    exit 1
fi

# Our display is X11 whatever the session around us is, and it has no GPU.
unset WAYLAND_DISPLAY
export DISPLAY=":$number" QT_QPA_PLATFORM=xcb LIBGL_ALWAYS_SOFTWARE=1
status=0
"$@" || status=$?
exit "$status"
