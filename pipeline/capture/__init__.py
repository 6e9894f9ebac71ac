"""Capture: cameras and recordings behind one source interface, each read by a thread of its own.

`make_source` picks the kind of source from its address, `CaptureThread` reads it into a `Mailbox`.
"""

from pipeline.capture.capture_thread import CaptureThread, StateChange
from pipeline.capture.mailbox import Mailbox
from pipeline.capture.make_source import make_source
from pipeline.capture.source import Source, SourceLost

__all__ = ["CaptureThread", "Mailbox", "Source", "SourceLost", "StateChange", "make_source"]
