"""What a scanner is, from its own data: coil maps, noise, centre of rotation, flat field."""
