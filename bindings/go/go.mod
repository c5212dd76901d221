module deepmoe

go 1.21
