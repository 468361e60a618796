module example.test/uploads

go 1.24
