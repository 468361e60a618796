"""gunicorn, tuned from the environment. Its own names of variables where it has some."""

import os


def number(name: str, default: int) -> int:
    return int(os.environ.get(name) or default)


bind = f"0.0.0.0:{number('PORT', 8000)}"
# Each thread holds one connection to the database: replicas x workers x threads must stay below max_connections.
workers = number("WEB_CONCURRENCY", 2)
threads = number("WEB_THREADS", 4)
worker_class = "gthread"
# Loaded once before the workers fork: they share its memory, and a broken app fails at start.
preload_app = True

timeout = number("WEB_TIMEOUT", 30)
# Shorter than stop_grace_period in docker-compose.yml: requests in flight end before the engine loses patience.
graceful_timeout = number("WEB_GRACEFUL_TIMEOUT", 25)
# Longer than nginx keeps an idle connection to us (keepalive_timeout of the upstream), so that it is never us who
# hangs up just as a request is sent.
keepalive = number("WEB_KEEPALIVE", 75)
# Against slow leaks, and not every worker at the same moment.
max_requests = number("WEB_MAX_REQUESTS", 20_000)
max_requests_jitter = max_requests // 10

# The root file system is read-only. The heartbeat file is better off in memory anyway.
worker_tmp_dir = "/dev/shm"
control_socket_disable = True

# Only nginx shares a network with us, and it overwrites these headers.
forwarded_allow_ips = "*"
# nginx writes the access log, with the request id and the time we took.
accesslog = None
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "site_settings.json_lines.JsonLines"}},
    "handlers": {"stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"}},
    "root": {"handlers": ["stdout"], "level": "INFO"},
    "loggers": {
        "gunicorn.error": {"level": "INFO", "handlers": ["stdout"], "propagate": False, "qualname": "gunicorn.error"},
        "gunicorn.access": {"level": "INFO", "handlers": [], "propagate": False, "qualname": "gunicorn.access"},
    },
}
