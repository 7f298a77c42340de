"""A new index beside the serving one, filled, proved and put in its place while reads and writes go on."""
