"""A decoding process: `python -m nolabel.data.worker`, started and fed by `decoding`.

It takes chunks from standard input, decodes each and answers with the report, or with the error that writing raised.
It ends when its input does, so that it never outlives the process that started it.
"""

import gc
import os
import pickle
import signal
import sys
from typing import BinaryIO

from nolabel.data.decoding import decode_chunk, pillow_is_quiet


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Answers chunks with reports until there are no more."""
    with pillow_is_quiet():
        while True:
            try:
                chunk = pickle.load(questions)
            except EOFError:
                return
            try:
                answer: object = decode_chunk(chunk)
            except Exception as error:
                answer = error
            pickle.dump(answer, answers)
            answers.flush()


def main() -> None:
    """Serves on this process's own pipes; whatever a decoder prints goes to the log instead."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    gc.set_threshold(50_000)  # decoding makes much garbage but few cycles: looking for them is a twentieth of its time
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
