"""Anything a user has -> `Dataset` -> `Batch`.

Data flow through this room, top to bottom; nothing is imported here, so that a part costs only itself:

    source.py       opens a source of any kind and restores network values; it only dispatches
    finding.py      which of these readers reads a source:
    named.py        data sets by name                     -> raw data
    files.py        folders and lists of image files      -> raw data
    archives.py     .tar and .zip of images               -> raw data
    idx.py          IDX files                             -> raw data
    arrays.py       arrays, tensors, .npy, .npz           -> raw data
    hub.py          Hugging Face `datasets` objects       -> raw data
    raw.py          what "raw data" is; encoded.py, the image files among it
    pictures.py     one image file -> pixels, by a stated rule
    decoding.py     many of them, on all cores (worker.py is one such process)
    decoded.py      the pixels of a set, from the cache (cache.py) or decoded into it
    images.py       raw images -> Dataset, and network values -> images
    tables.py       raw tables -> Dataset, and network values -> tables
    labels.py       class labels of any form -> codes
    memory.py       what is held in memory and what stays on disk
    dataset.py      `Dataset`;  sampler.py, the order of samples;  toys.py, data with a planted structure

A modality is one file. `text.py`, `audio.py` and `dna.py` will stand beside `images.py` and `tables.py`; each adds its
name to `nolabel.types.Modality`, one `Raw...` class to `raw.py`, a line each to `finding.py` and `source.py`, and
supplies

    learn(raw, ...) -> DataSpec      the recipe, from the data that a model is fitted to: plain JSON, saved with it
    encode(raw, spec) -> store       compact samples (N, *spec.shape), uint8 or float32, for these data or tomorrow's
    restore(spec, values)            network values (B, *spec.shape) back in the user's own form
"""
