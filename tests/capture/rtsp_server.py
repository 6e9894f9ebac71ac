"""A real RTSP camera for tests: serves a test pattern, or a video file in an endless loop, on loopback.

Runs under the system's Python, which has GStreamer's bindings (Debian: python3-gi, gir1.2-gst-rtsp-server-1.0,
gstreamer1.0-plugins-base, -good, -ugly, -bad; a file also needs ffmpeg):

    /usr/bin/python3 rtsp_server.py [--port 8554] [--file clip.mp4] [--user name --password secret]

Prints the address, rtsp://127.0.0.1:PORT/live, once it listens. Exits with code 3 if the bindings are missing.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

try:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtspServer
except (ImportError, ValueError) as missing:
    print(f"GStreamer's RTSP server is not installed: {missing}", file=sys.stderr)
    sys.exit(3)

Gst.init(None)

PATTERN = (
    "videotestsrc is-live=true pattern=ball ! video/x-raw,width={width},height={height},framerate={fps}/1"
)
# One slice a picture: the payloader would put parameter sets between the slices of a key frame.
ENCODE = "videoconvert ! x264enc tune=zerolatency sliced-threads=false speed-preset=ultrafast key-int-max=12"
PAY = "rtph264pay name=pay0 pt=96 config-interval=-1"


class PatternFactory(GstRtspServer.RTSPMediaFactory):
    """A moving ball, shared by all clients."""

    def __init__(self, width: int, height: int, fps: int) -> None:
        super().__init__()
        pattern = PATTERN.format(width=width, height=height, fps=fps)
        self.set_launch(f"( {pattern} ! {ENCODE} ! {PAY} )")
        self.set_shared(True)


class LoopedFileFactory(GstRtspServer.RTSPMediaFactory):
    """A file, decoded again and again by ffmpeg; its frames get evenly spaced times that never jump back."""

    def __init__(self, file: str) -> None:
        super().__init__()
        self._file = file
        self._ffmpeg: subprocess.Popen[bytes] | None = None
        self.set_shared(True)

    def do_create_element(self, _url: object) -> Gst.Element:
        """Builds the pipeline for the first client (and again after the last one left)."""
        self.stop()
        source = ["-re", "-stream_loop", "-1", "-i", f"file:{self._file}", "-an", "-pix_fmt", "yuv420p"]
        command = ["ffmpeg", "-nostdin", "-loglevel", "error", *source, "-f", "yuv4mpegpipe", "-"]
        self._ffmpeg = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self._ffmpeg.stdout is not None
        descriptor = self._ffmpeg.stdout.fileno()
        return Gst.parse_launch(f"( fdsrc fd={descriptor} ! y4mdec ! {ENCODE} ! {PAY} )")

    def stop(self) -> None:
        """Ends ffmpeg."""
        if self._ffmpeg is not None:
            self._ffmpeg.kill()
            self._ffmpeg.wait()


def require_password(server: GstRtspServer.RTSPServer, user: str, password: str) -> None:
    """Lets in only who knows `user` and `password` (Basic authentication)."""
    allowed = GstRtspServer.RTSPToken()
    allowed.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "viewer")
    auth = GstRtspServer.RTSPAuth()
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), allowed)
    server.set_auth(auth)


def main() -> None:
    """Serves until it is killed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--file", help="video file to loop; without it a test pattern")
    parser.add_argument("--size", type=int, nargs=2, default=(160, 120), metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--fps", type=int, default=25)
    parser.add_argument("--user", default="")
    parser.add_argument("--password", default="")
    args = parser.parse_args()

    factory = LoopedFileFactory(args.file) if args.file else PatternFactory(*args.size, args.fps)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(args.port))
    if args.user:
        require_password(server, args.user, args.password)
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role("viewer", "media.factory.access", True)
        permissions.add_permission_for_role("viewer", "media.factory.construct", True)
        factory.set_permissions(permissions)
    server.get_mount_points().add_factory("/live", factory)
    if not server.attach(None):
        sys.exit(f"port {args.port} is not free")
    print(f"rtsp://127.0.0.1:{server.get_bound_port()}/live", flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
