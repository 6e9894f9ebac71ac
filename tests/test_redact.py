from __future__ import annotations

import pytest

from pipeline.redact import redact, redact_address


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://admin:s3cret@10.0.0.5:554/live",
        "rtsps://admin:s3cret@camera.example/live?channel=1",
        "rtsp://admin:p@s3cret@10.0.0.5/live",
        "rtsp://admin:a/s3cret@10.0.0.5/live",
        "rtsp://admin:a s3cret@10.0.0.5/live",
        "rtsp://10.0.0.5/live?user=admin&password=s3cret",
        "rtsp://10.0.0.5/live?PWD=s3cret&channel=1",
        "rtsp://10.0.0.5/live?api_key=s3cret",
        "rtsp://10.0.0.5/live?authToken=s3cret",
        "rtsp://10.0.0.5/live?usr=admin&psw=s3cret",
        "rtsp://10.0.0.5/live?pw=s3cret&session=my_s3cret",
        "rtsp://10.0.0.5/live?user=admin&password=Gate@s3cret",
        "rtsp://10.0.0.5/live?token=a@s3cret&channel=1",
        "rtsp://admin:p@s3cret@10.0.0.5/live?password=a@s3cret",
        "rtsp://10.0.0.5/live?credentials=s3cret&pin=s3cret",
        "rtsp://10.0.0.5/user=admin_password=my_s3cret_channel=1.sdp",
    ],
)
def test_redact_hides_the_password(url: str) -> None:
    text = redact(f"cannot open '{url}': refused")
    assert "s3cret" not in text
    assert text.startswith("cannot open 'rtsp")
    assert text.endswith("refused")


@pytest.mark.parametrize(
    "name",
    [
        "user",
        "usr",
        "login",
        "pass",
        "pw",
        "psw",
        "token",
        "auth",
        "key",
        "secret",
        "session",
        "sig",
        "cred",
        "pin",
    ],
)
def test_redact_hides_what_each_of_these_words_is_given(name: str) -> None:
    for address in ("rtsp://10.0.0.5/live?{}=s3cret&channel=1", "rtsp://10.0.0.5/{}=s3cret&channel=1"):
        assert redact(address.format(name)) == address.format(name).replace("s3cret", "***")


def test_redact_keeps_the_host_and_path() -> None:
    assert redact("rtsp://admin:x@10.0.0.5:554/live?channel=1") == "rtsp://***@10.0.0.5:554/live?channel=1"


def test_redact_keeps_the_host_before_a_password_with_an_at_sign() -> None:
    shown = "rtsp://10.0.0.5/live?user=***&password=***"
    assert redact("rtsp://10.0.0.5/live?user=admin&password=Gate@2024") == shown


def test_redact_leaves_other_text_alone() -> None:
    text = "mail to a@b.example about rtsp://10.0.0.5/live?channel=1 and /dev/video0"
    assert redact(text) == text


@pytest.mark.parametrize(
    "address",
    [
        "rtsp:/admin:s3cret@10.0.0.5/live",
        "rtsp//admin:s3cret@10.0.0.5/live",
        "admin:p@s3cret@10.0.0.5:554/live",
        "rtsp://admin:s3cret@10.0.0.5/live",
    ],
)
def test_a_mistyped_address_shows_no_password_either(address: str) -> None:
    assert redact_address(address).endswith("***@" + address.rpartition("@")[2])
    assert "s3cret" not in redact_address(address)
    assert redact_address("/dev/video0") == "/dev/video0"
