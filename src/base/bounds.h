/* bounds.h - every bound of the project, each with its unit.
 *
 * Over a bound the whole thing is refused with ERR_LIMIT or a fault; nothing
 * is ever cut to fit. The figures stand in docs/limits.md for operators. */
#ifndef ROLEGATE_BOUNDS_H
#define ROLEGATE_BOUNDS_H

/* Names, in bytes of UTF-8. */
#define USERNAME_MAX 256
#define EMAIL_MAX 254
#define PERSON_NAME_MAX 512
#define PHONE_MAX 64
#define ACCOUNT_ID_MAX 128
#define ACCOUNT_NAME_MAX 512
#define ROLE_NAME_MAX 64
#define PERMISSION_NAME_MAX 128
#define CATALOGUE_NAME_MAX 64
#define LEVEL_NAME_MAX 64
#define LICENCE_NAME_MAX 64
#define FILTER_MAX 256
#define SOURCE_NAME_MAX 64
#define EXTERNAL_ID_MAX 256
#define NAMESPACE_MAX 64
#define REASON_TEXT_MAX 512
#define PASSWORD_LEN_MIN 12
#define PASSWORD_LEN_MAX 256
#define TOKEN_DESCRIPTION_MAX 256
#define NOTICE_TEXT_MAX 512

/* Counts. */
#define TREE_DEPTH_MAX 16
#define GRANTS_PER_MEMBER_MAX 1024
#define FILTERS_PER_GRANT_MAX 32
#define LICENCES_MAX 16
#define ROLES_PER_CATALOGUE_MAX 64
#define PERMISSIONS_PER_CATALOGUE_MAX 1024
#define CATALOGUES_MAX 64
#define ROUTES_MAX 4096
#define FAULTS_MAX 200
#define TOKENS_PER_MEMBER_MAX 64
#define TOKEN_SCOPE_MAX 64
#define TOKEN_ADDRESSES_MAX 32
#define TOKEN_ADDRESS_MAX 64
#define OWNED_BY_MEMBER_MAX 256
#define INVITATIONS_A_DAY_MAX 20
#define MAIL_SWITCHES_MAX 32
#define SHEET_ROWS_MAX 10000
#define SHEET_CELL_MAX 1024
#define XLSX_ENTRIES_MAX 1000
#define XLSX_DEPTH_MAX 64
#define XLSX_RATIO_MAX 200
#define YAML_DEPTH_MAX 32
#define LISTEN_BACKLOG 4096
#define NGINX_FILES_MAX 4096
#define NGINX_DIRECTIVES_MAX (1024 * 1024)
#define NGINX_WORDS_MAX 4096
#define NGINX_DEPTH_MAX 32

/* Times, in seconds. */
#define INVITATION_LIFE_S ((int64_t)7 * 24 * 3600)
#define REINSTATE_S ((int64_t)30 * 24 * 3600)

/* Files and records, in bytes. */
#define SHEET_FILE_MAX (8 * 1024 * 1024)
#define XLSX_UNPACKED_MAX (64 * 1024 * 1024)
#define CONFIG_FILE_MAX (1024 * 1024)
#define CATALOGUE_FILE_MAX (4 * 1024 * 1024)
#define STATE_LINE_MAX (256 * 1024)
#define RECORD_MAX (512 * 1024)
#define SECRET_FILE_MAX 4096
#define NGINX_BYTES_MAX (16 * 1024 * 1024)
#define MAIL_BODY_MAX (64 * 1024)
#define MAIL_SUBJECT_MAX 1024
#define PATH_MAX_BYTES 4096

#endif
