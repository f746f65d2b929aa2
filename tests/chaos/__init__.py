"""`manage.py chaos`: a console under load whose processes are killed at random, and a check of every promise.

``stage`` makes the data folder and the database, and runs everything else in a process of its own, whose Django uses
them: ``scene`` prepares what people work with, ``people`` drive the console, ``trouble`` kills and disturbs,
``settling`` waits until nothing is open, and ``promises``, ``outputs`` and ``leftovers`` compare what is there with
what was promised. Everything random comes from one seed. When processes answer does not, so a seed repeats the kind of
a run and not its course.
"""
