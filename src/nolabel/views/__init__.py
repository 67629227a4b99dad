"""Views: other versions of the same samples, made for whole batches on the training device.

`roles.py` says what a method wants; files beside it hold the transforms that each role is made of.
"""
