"""Uploads to S3 in parts, which S3 shows when they are completed."""

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from scanner.archive.storage.names import Place
from scanner.archive.storage.patience import tried
from scanner.archive.storage.settings import StorageSettings
from scanner.archive.storage.store import Missing
from scanner.errors import SourceError


class Multipart:
    """One upload; S3 hears of it with the first part.

    Args:
        client: boto3's.
        place: Name of the object.
        settings: How patient to be.
        payer: What every request says about who pays.
        translated: Turns boto3's errors into ours.
    """

    def __init__(
        self,
        client: Any,
        place: Place,
        settings: StorageSettings,
        payer: dict[str, str],
        translated: Callable[[Place], AbstractContextManager[None]],
    ) -> None:
        self._client = client
        self._place = place
        self._settings = settings
        self._named: dict[str, Any] = {"Bucket": place.bucket, "Key": place.key, **payer}
        self._translated = translated
        self._begun = False
        self._parts: list[dict[str, Any]] = []

    def part(self, data: bytes) -> None:
        """Sends a part."""
        if not self._begun:
            self._named["UploadId"] = self._tried(self._client.create_multipart_upload)["UploadId"]
            self._begun = True
        number = len(self._parts) + 1
        answer = self._tried(self._client.upload_part, PartNumber=number, Body=data)
        self._parts.append({"PartNumber": number, "ETag": answer["ETag"]})

    def finish(self, rest: bytes) -> None:
        """Sends the last part and completes the upload."""
        if rest:
            self.part(rest)
        try:
            self._tried(self._client.complete_multipart_upload, MultipartUpload={"Parts": self._parts})
        except Missing:
            # Completed before, where the answer to that was lost: then the object stands.
            named = {name: value for name, value in self._named.items() if name != "UploadId"}
            with self._translated(self._place):
                self._client.head_object(**named)

    def abandon(self) -> None:
        """Has S3 drop the parts; where that fails too, they are never seen, and a bucket's rules remove them."""
        if self._begun:
            with contextlib.suppress(SourceError):
                self._tried(self._client.abort_multipart_upload)

    def _tried(self, request: Callable[..., Any], **more: Any) -> Any:
        def once() -> Any:
            with self._translated(self._place):
                return request(**self._named, **more)

        return tried(once, self._settings)
