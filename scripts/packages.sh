# Debian packages, by what needs them. Sourced by the other scripts.

# Building needs a C compiler (zstd) and nothing else.
build_packages=(gcc libc6-dev)
# A window needs X11 or Wayland libraries and a driver; these are loaded at run time. mesa-vulkan-drivers draws on the
# CPU where there is no graphics card.
window_packages=(mesa-vulkan-drivers libvulkan1 libegl1 libgl1-mesa-dri libx11-xcb1 libxcursor1 libxi6 libxkbcommon-x11-0)
# A display without a screen, and looking at it.
headless_packages=(xvfb xauth x11-utils xdotool imagemagick)
# The tests read folder names in Chinese and Japanese, and run an independent writer written in Python.
test_packages=(fonts-noto-cjk python3 python3-venv)

need_rust() {
    command -v cargo >/dev/null && return
    echo "Rust 1.95 or newer is needed: https://rustup.rs" >&2
    exit 1
}
