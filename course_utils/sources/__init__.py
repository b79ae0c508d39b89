"""Image sets from files: idx files found or downloaded, and folders of images.

Everything here returns recorded pixels, uint8 from 0 to 255. Every failure is a
`DataError` that says what was tried and what to do.
"""

from course_utils.sources.folder import left_out, read_folder
from course_utils.sources.idx import MIRRORS, read_idx_set

__all__ = ["MIRRORS", "left_out", "read_folder", "read_idx_set"]
