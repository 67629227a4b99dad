"""Anything a user has -> `Dataset` -> `Batch`.

Data flow through this room, top to bottom; nothing is imported here, so that a part costs only itself:

    source.py       opens a source of any kind and restores network values; it only dispatches
    finding.py      which of these readers reads a source:
    named.py        data sets by name                     -> raw data
    files.py        folders and lists of image or text files, texts line by line -> raw data
    clip_files.py   GIFs, and folders of frames           -> raw data (clip_frames.py, what can be decoded of them)
    archives.py     .tar and .zip of images or texts (archive_*.py) -> raw data
    idx.py          IDX files                             -> raw data
    arrays.py       arrays, tensors, sparse matrices, .npy, .npz -> raw data
    hub.py          Hugging Face `datasets` objects       -> raw data
    raw.py          what "raw data" is; encoded.py, the image files among it; documents.py, the texts
    pictures.py     one image file -> pixels, by a stated rule
    decoding.py     many of them, on all cores (worker.py is one such process)
    decoded.py      the pixels of a set, from the cache (cache.py) or decoded into it
    images.py       raw images -> Dataset, and network values -> images
    clips.py        clips in arrays -> spec and stored values, and network values -> clips
    clip_sets.py    raw clips -> Dataset: how many frames, and which
    pixel_values.py what is stored of pixels of any dtype, and the way back
    tables.py       raw tables -> Dataset, and network values -> tables (table_*.py); sparse_tables.py, sparse ones
    vocabulary.py   what is a word, which words are counted, and counting them
    text.py         texts, or counts of words -> spec and stored counts, and network values -> counts
    text_sets.py    raw texts, tables and matrices -> Dataset, for text.py
    sparse.py       rows without their zeros, and batches of them
    assembling.py   the last step to a Dataset: ids and labels
    labels.py       class labels of any form -> codes
    memory.py       what is held in memory and what stays on disk
    dataset.py      `Dataset`;  sampler.py, the order of samples;  toys.py, data with a planted structure (toy_*.py)

A modality is one file. `audio.py` and `dna.py` will stand beside `images.py`, `tables.py` and `text.py`; each adds its
name to `nolabel.types.Modality`, one `Raw...` class to `raw.py`, a line each to `finding.py` and `source.py`, and
supplies

    learn(raw, ...) -> DataSpec      the recipe, from the data that a model is fitted to: plain JSON, saved with it
    encode(raw, spec) -> store       compact samples (N, *spec.shape), uint8, float32 or sparse, for these data or
                                     tomorrow's (`text.learn` gives both, for it looks at each text once)
    restore(spec, values)            network values (B, *spec.shape) back in the user's own form
"""
