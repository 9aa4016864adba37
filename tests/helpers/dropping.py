"""Files that are dropped on the page, and their rows."""

import base64
from typing import Any

from playwright.sync_api import Page, expect

_DROP = """async (files) => {
  const transfer = new DataTransfer();
  for (const [name, content] of files) {
    const bytes = Uint8Array.from(atob(content), (one) => one.charCodeAt(0));
    transfer.items.add(new File([bytes], name));
  }
  const zone = document.querySelector(".drop"), more = {dataTransfer: transfer, bubbles: true, cancelable: true};
  for (const kind of ["dragenter", "dragover", "drop"]) zone.dispatchEvent(new DragEvent(kind, more));
}"""


def drop(page: Page, *files: Any) -> None:
    """Drop files, given by name and content, as a file manager does."""
    expect(page.locator(".drop")).to_be_visible()
    page.evaluate(_DROP, [[name, base64.b64encode(content).decode()] for name, content in files])


def rows(page: Page) -> Any:
    return page.locator(".results > li")


def finished(page: Page, count: Any) -> None:
    """All of so many results are there."""
    expect(rows(page)).to_have_count(count)
    expect(page.locator(".results > li.waiting")).to_have_count(0)


def inked(page: Page, row: Any) -> Any:
    """Whether a thumbnail holds colour: the images are grey, so that it is an outline's."""
    return (
        rows(page)
        .nth(row)
        .locator("img.thumb")  # in the place of the canvas, a while after the result
        .evaluate(
            """(shown) => {
          const context = new OffscreenCanvas(shown.naturalWidth, shown.naturalHeight).getContext("2d");
          context.drawImage(shown, 0, 0);
          const {data} = context.getImageData(0, 0, shown.naturalWidth, shown.naturalHeight);
          return data.some((_, i) => i % 4 === 0 && Math.abs(data[i] - data[i + 2]) > 60);
        }"""
        )
    )
