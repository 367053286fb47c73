module github.com/tradeclock/tradeclock/cron

go 1.25.0

replace github.com/tradeclock/tradeclock => ../

require (
	github.com/jonboulle/clockwork v0.5.0
	github.com/robfig/cron/v3 v3.0.1
	github.com/stretchr/testify v1.12.1
	github.com/tradeclock/tradeclock v0.1.0
)

require go.yaml.in/yaml/v3 v3.0.5 // indirect
